module.exports = require("./tiers").engine;
