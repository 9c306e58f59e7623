module.exports = require("./tiers").fast;
