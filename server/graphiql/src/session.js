// Who asks: each session is a function that gives a bearer token, or null when there is none.
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { parse } from "graphql";
import { createClient } from "graphql-sse";

const REFRESH_BEFORE_EXPIRY_MS = 30_000;

async function requestToken(persona) {
  const answer = await fetch(`/graphiql/token?persona=${encodeURIComponent(persona)}`);
  if (!answer.ok) throw new Error(`No token for ${persona}: the server answered ${answer.status}`);
  const { access_token, expires_in } = await answer.json();
  return { value: access_token, refreshAt: Date.now() + expires_in * 1000 - REFRESH_BEFORE_EXPIRY_MS };
}

export function personaSession(persona) {
  let token;
  let refreshAt = 0;
  return async () => {
    if (Date.now() >= refreshAt) {
      refreshAt = Infinity; // those who ask meanwhile wait for the same token
      token = requestToken(persona);
      token.then(
        (issued) => (refreshAt = issued.refreshAt),
        () => (refreshAt = 0),
      );
    }
    return (await token).value;
  };
}

export function bearerSession(token) {
  return async () => token || null;
}

function subscribes({ query, operationName }) {
  return parse(query).definitions.some(
    (each) => each.operation === "subscription" && (!operationName || each.name?.value === operationName),
  );
}

export function createFetcher(endpoint, session) {
  const authorizedFetch = async (url, init) => {
    const token = await session();
    const headers = new Headers(init.headers);
    headers.set("Accept", "application/graphql-response+json, application/json;q=0.9");
    headers.set("X-Correlation-Id", crypto.randomUUID());
    if (token && !headers.has("Authorization")) headers.set("Authorization", `Bearer ${token}`);
    return fetch(url, { ...init, headers });
  };
  const asked = createGraphiQLFetcher({ url: endpoint, fetch: authorizedFetch, enableIncrementalDelivery: false });
  const followed = createClient({
    url: new URL(endpoint, location.href).href,
    headers: async () => {
      const token = await session();
      return token ? { Authorization: `Bearer ${token}` } : {};
    },
  });
  return (request, options) => (subscribes(request) ? followed.iterate(request) : asked(request, options));
}
