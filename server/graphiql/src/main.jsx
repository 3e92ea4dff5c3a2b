import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./style.css";
import { createRoot } from "react-dom/client";
import { App } from "./App.jsx";
import { offerFirst } from "./ExampleQueries.jsx";

// config.json: {endpoint, queries: [{name, query, variables}], personas: [{name, description}]}. With personas, a token is
// asked of token?persona=NAME, which answers {access_token, expires_in (seconds)}; without, the reader pastes one.
const root = createRoot(document.getElementById("root"));

try {
  const answer = await fetch("/graphiql/config.json");
  if (!answer.ok) throw new Error(`/graphiql/config.json answered ${answer.status}`);
  const config = await answer.json();
  offerFirst(config.queries);
  root.render(<App config={config} />);
} catch (error) {
  root.render(<p role="alert" className="broken">{`GraphiQL cannot start: ${error.message}`}</p>);
}
