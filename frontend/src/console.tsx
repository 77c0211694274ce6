/** The console alone, for hosts that have no React page of their own. Its place says where it and the API lie. */

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
