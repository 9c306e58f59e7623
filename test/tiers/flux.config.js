module.exports = require("./tiers").flux;
