// Runs once, when MongoDB starts on an empty volume: a user for chatbox, who may read and write its database only.
const { MONGO_USERNAME: user, MONGO_PASSWORD: pwd } = process.env;
if (!user || !pwd)
  throw new Error(
    "create-user.js: MONGO_USERNAME or MONGO_PASSWORD is empty; see the secret mongodb-chatbox",
  );
db.getSiblingDB("chat").createUser({ user, pwd, roles: [{ role: "readWrite", db: "chat" }] });
