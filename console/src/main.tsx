/** Where the console begins. */

import "@cloudscape-design/global-styles/index.css";
import "./console.css";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { createRoot } from "react-dom/client";
import { HashRouter } from "react-router-dom";
import { App } from "./app.tsx";

const root = document.getElementById("console");
if (root !== null) {
  createRoot(root).render(
    <I18nProvider locale="en" messages={[messages]}>
      <HashRouter>
        <App />
      </HashRouter>
    </I18nProvider>,
  );
}
