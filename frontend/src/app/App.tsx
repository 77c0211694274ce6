/** The EDMS: its routes, its session and its layout. */

import "@mantine/core/styles.layer.css";

import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, useCallback, useEffect, useRef, useState } from "react";
import { BrowserRouter, Route, Routes, useMatch } from "react-router";

import { connect } from "../api/client";
import { createQueries } from "../api/ApiProvider";
import { type EdmsPaths, SIGNED_OUT } from "../api/documents";
import { Localized } from "../components/Localized";
import { currentLanguage } from "../i18n";
import { Layout } from "./Layout";
import { Login } from "./Login";
import { NotFound } from "./NotFound";
import { type EdmsContext, EdmsProvider, useEdms } from "../api/EdmsProvider";
import { RequireSession } from "./RequireSession";
import { contrast, theme } from "../theme";

const BackupManagement = lazy(() => import("../features/backup/BackupManagement"));
const Admin = lazy(() => import("./Admin"));
const Dashboard = lazy(() => import("./Dashboard"));
const DocumentPage = lazy(() => import("../features/documents/DocumentPage"));
const Documents = lazy(() => import("../features/documents/Documents"));

export interface AppProps {
  /** The address of the pages. */
  basePath: string;
  /** The address of the APIs without a trailing slash. */
  apiUrl: string;
  /** The address of the Django administration. */
  adminUrl: string;
}

export function App({ basePath, apiUrl, adminUrl }: AppProps) {
  const [queries] = useState(createQueries);
  const [edms] = useState<EdmsContext>(() => {
    const onSignedOut = () => queries.setQueryData(["session"], SIGNED_OUT);
    return { api: connect<EdmsPaths>(apiUrl, onSignedOut), apiUrl, adminUrl, onSignedOut };
  });
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <EdmsProvider edms={edms}>
          <Localized>
            <PageLanguage />
            <BrowserRouter basename={basePath}>
              <Pages />
            </BrowserRouter>
          </Localized>
        </EdmsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** Names the language of the page for the browser and for screen readers. */
function PageLanguage() {
  useEffect(() => {
    document.documentElement.lang = currentLanguage();
  }, []);
  return null;
}

export function Pages() {
  return (
    <Routes>
      <Route path="login" element={<Login />} />
      <Route element={<RequireSession />}>
        <Route element={<Layout />}>
          <Route index element={<Dashboard />} />
          <Route path="documents" element={<Documents />} />
          <Route path="documents/:id" element={<DocumentPage />} />
          <Route path="admin" element={<Admin />} />
          <Route path="admin/backup/*" element={<Backups />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Route>
    </Routes>
  );
}

function Backups() {
  const { apiUrl, onSignedOut } = useEdms();
  const watching = useRef(false);
  watching.current = useMatch("/admin/backup/restores/:uuid") !== null;
  const signedOut = useCallback(() => {
    // A live restore swaps the sessions, too. Its page reports that itself, with the last known state.
    if (!watching.current) {
      onSignedOut();
    }
  }, [onSignedOut]);
  return <BackupManagement apiUrl={`${apiUrl}/backup`} onSignedOut={signedOut} />;
}
