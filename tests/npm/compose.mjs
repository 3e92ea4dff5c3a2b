// Composes subgraphs, given on standard input as [{"name", "url", "sdl"}], into one supergraph on standard output.
import { composeServices } from "@theguild/federation-composition";
import { parse } from "graphql";
import { json } from "node:stream/consumers";

const subgraphs = await json(process.stdin);
const { errors, supergraphSdl } = composeServices(
  subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
);
if (errors?.length) {
  for (const { message } of errors) console.error(message);
  process.exit(1);
}
process.stdout.write(supergraphSdl);
