/** The page of the EDMS. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";

const place = document.getElementById("edms");
if (place) {
  const { basePath = "/", apiUrl = "/api/v1", adminUrl = "/admin/" } = place.dataset;
  createRoot(place).render(
    <StrictMode>
      <App basePath={basePath} apiUrl={apiUrl} adminUrl={adminUrl} />
    </StrictMode>,
  );
}
