import { DocExplorerStore, DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
import { HistoryStore, HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQLProvider } from "@graphiql/react";
import { GraphiQL, GraphiQLInterface } from "graphiql";
import { useMemo, useState } from "react";
import { ExampleQueries } from "./ExampleQueries.jsx";
import { BearerToken, PersonaSwitch } from "./Identity.jsx";
import { bearerSession, createFetcher, personaSession } from "./session.js";
import logo from "./crossdock.svg";

const PLUGINS = [DOC_EXPLORER_PLUGIN, HISTORY_PLUGIN];
const PERSONA_KEY = "crossdock:persona";

function rememberedPersona(personas) {
  const remembered = localStorage.getItem(PERSONA_KEY);
  return personas.find(({ name }) => name === remembered) ?? personas[0];
}

export function App({ config: { endpoint, queries, personas } }) {
  const [persona, setPersona] = useState(() => rememberedPersona(personas));
  const [token, setToken] = useState("");
  // A new fetcher makes GraphiQL introspect again: what one persona may see another may not.
  const fetcher = useMemo(
    () => createFetcher(endpoint, persona ? personaSession(persona.name) : bearerSession(token)),
    [endpoint, persona, token],
  );
  const choosePersona = (chosen) => {
    localStorage.setItem(PERSONA_KEY, chosen.name);
    setPersona(chosen);
  };
  return (
    <GraphiQLProvider
      fetcher={fetcher}
      plugins={PLUGINS}
      referencePlugin={DOC_EXPLORER_PLUGIN}
      inputValueDeprecation
      schemaDescription
    >
      <HistoryStore>
        <DocExplorerStore>
          <header className="masthead">
            <h1>
              <img src={logo} alt="" />
              Crossdock
            </h1>
            <ExampleQueries queries={queries} />
            {persona ? (
              <PersonaSwitch personas={personas} persona={persona} onChoose={choosePersona} />
            ) : (
              <BearerToken token={token} onGiven={setToken} />
            )}
          </header>
          <main>
            <GraphiQLInterface defaultEditorToolsVisibility="variables" showPersistHeadersSettings={false}>
              <GraphiQL.Logo>{null}</GraphiQL.Logo>
            </GraphiQLInterface>
          </main>
        </DocExplorerStore>
      </HistoryStore>
    </GraphiQLProvider>
  );
}
