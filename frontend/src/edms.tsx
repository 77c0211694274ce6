/** The EDMS. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Edms } from "./shell/Edms";

const place = document.getElementById("edms");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <Edms basePath={place.dataset["basePath"] ?? "/"} />
    </StrictMode>,
  );
}
