import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";

function variablesText(variables) {
  if (!variables || typeof variables === "string") return variables || "";
  return Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "";
}

// GraphiQL opens with what its reader had last. Its own defaults fill the tab but not the variables editor, so the first
// example is left where it looks for a reader's last document and variables.
export function offerFirst([example]) {
  if (!example || localStorage.getItem("graphiql:query")) return;
  localStorage.setItem("graphiql:query", example.query);
  localStorage.setItem("graphiql:variables", variablesText(example.variables));
}

export function ExampleQueries({ queries }) {
  const { tabs, activeTabIndex, queryEditor, variableEditor } = useGraphiQL(
    pick("tabs", "activeTabIndex", "queryEditor", "variableEditor"),
  );
  const { addTab, changeTab, setOperationName } = useGraphiQLActions();
  if (!queries.length) return null;

  const open = (example) => {
    const opened = tabs.findIndex((tab) => tab.query === example.query);
    if (opened >= 0) {
      changeTab(opened);
    } else {
      if (tabs[activeTabIndex].query) addTab();
      queryEditor.setValue(example.query);
      variableEditor.setValue(variablesText(example.variables));
    }
    setOperationName(null); // until GraphiQL has parsed this document it would send the name of the one before
  };
  return (
    <label>
      <span>Example queries</span>
      <select
        value=""
        disabled={!queryEditor || !variableEditor}
        onChange={({ target }) => open(queries[Number(target.value)])}
      >
        <option value="" disabled>
          Open…
        </option>
        {queries.map(({ name }, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
