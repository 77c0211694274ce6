/** The console alone, for hosts without a React page. Its element gives the addresses of the console and the API. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import BackupManagement from "./components/backup/BackupManagement";
import classes from "./console.module.css";

const place = document.getElementById("backup-console");
if (place) {
  const { apiUrl = "/api/v1/backup", basePath = "/" } = place.dataset;
  createRoot(place).render(
    <StrictMode>
      <main className={classes["main"]}>
        <BackupManagement apiUrl={apiUrl} basePath={basePath} />
      </main>
    </StrictMode>,
  );
}
