/** A plain application of another project, with the console as one of its pages. */

import { createRoot } from "react-dom/client";

import BackupManagement from "../../src/components/backup/BackupManagement";

const headers = () => ({ Authorization: `Token ${localStorage.getItem("token") ?? ""}` });
const signedOut = () => document.body.setAttribute("data-signed-out", "");

createRoot(document.getElementById("app") as HTMLElement).render(
  <>
    <header>Archive</header>
    <main>
      <BackupManagement
        apiUrl="/api/v1/backup"
        basePath="/backups"
        locale="de"
        headers={headers}
        onSignedOut={signedOut}
        theme={{ primaryColor: "grape" }}
      />
    </main>
  </>,
);
