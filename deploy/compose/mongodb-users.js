// Run by the image once, in an empty database: the hub's own user, who may do no more than it needs.
db.getSiblingDB("a64core_db").createUser({
  user: "a64core",
  pwd: process.env.HUB_PASSWORD,
  roles: [{ role: "readWrite", db: "a64core_db" }],
});
