// Runs graphql-http's audits of GraphQL over HTTP against a server, one JSON line each: node audits.mjs URL [BEARER]
import { auditServer } from "graphql-http";

const [url, bearer] = process.argv.slice(2);
const fetchFn = (address, init = {}) => {
  const headers = new Headers(init.headers);
  if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
  return fetch(address, { ...init, headers });
};
for (const { id, name, status, reason } of await auditServer({ url, fetchFn })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
