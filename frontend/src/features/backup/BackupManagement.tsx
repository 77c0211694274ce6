/** The console: everything about backups on one page with views of its own.
 *
 * `<BackupManagement />` inside of a host's React Router takes its addresses from the route that it stands in, which must
 * end in `/*`; elsewhere it uses the browser's address below `basePath`.
 */

import "@mantine/core/styles.layer.css";

import { MantineContext, MantineProvider } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useContext, useEffect } from "react";
import { BrowserRouter, Navigate, Route, Routes, useInRouterContext, useLocation } from "react-router";

import type { Headers } from "../../api/client";
import { ApiProvider } from "../../api/ApiProvider";
import { EventsProvider } from "../../api/events";
import { contrast, theme } from "../../theme";
import { ErrorBoundary } from "../../components/ErrorBoundary";
import { ConsolePath, useMountPath } from "./consolePath";
import { Loading } from "../../components/states";
import { ConsoleLayout } from "./ConsoleLayout";

const VIEWS = {
  overview: () => import("./overview/Overview"),
  configurations: () => import("./configurations/Configurations"),
  history: () => import("./history/History"),
  job: () => import("./history/JobPage"),
  restore: () => import("./restore/Restore"),
  restores: () => import("./restore/RestorePage"),
};
const Overview = lazy(VIEWS.overview);
const Configurations = lazy(VIEWS.configurations);
const History = lazy(VIEWS.history);
const JobPage = lazy(VIEWS.job);
const Restore = lazy(VIEWS.restore);
const RestorePage = lazy(VIEWS.restores);
/** After so long the view that was asked for is there, or the line is slow. */
const PRELOAD_DELAY_MS = 3_000;

/** Loads the other views, too, while the server is there: who goes to one when it is away is told so by that view. */
function usePreloadedViews(): void {
  useEffect(() => {
    const timer = window.setTimeout(() => {
      Object.values(VIEWS).forEach((load) => void load().catch(() => {}));
    }, PRELOAD_DELAY_MS);
    return () => window.clearTimeout(timer);
  }, []);
}

export interface BackupManagementProps {
  /** The address of the API, without a slash at its end. */
  apiUrl?: string;
  /** Where the console lies, for a page without a router of its own. */
  basePath?: string;
  /** Called when an answer of the API says that nobody is signed in any more; the same function at every render. */
  onSignedOut?: () => void;
  /** Sent with every request, such as a token; without it the browser's session counts. The same function at every render. */
  headers?: Headers;
}

export default function BackupManagement(props: BackupManagementProps) {
  const { apiUrl = "/api/v1/backup", basePath = "/", onSignedOut, headers } = props;
  const hasRouter = useInRouterContext();
  const views = (
    <Styled>
      <ApiProvider baseUrl={apiUrl} onSignedOut={onSignedOut} headers={headers}>
        <EventsProvider>
          <Views />
        </EventsProvider>
      </ApiProvider>
    </Styled>
  );
  return hasRouter ? views : <BrowserRouter basename={basePath}>{views}</BrowserRouter>;
}

/** With the theme of the page around it, and its choice of light or dark; with our own where there is none. */
function Styled({ children }: { children: ReactNode }) {
  if (useContext(MantineContext) !== null) {
    return children;
  }
  return (
    <MantineProvider theme={theme} cssVariablesResolver={contrast} defaultColorScheme="auto">
      {children}
    </MantineProvider>
  );
}

function Views() {
  usePreloadedViews();
  const base = useMountPath();
  const start = <Navigate to={`${base}/overview`} replace />;
  return (
    <ConsolePath value={base}>
      <Routes>
        <Route element={<ConsoleLayout />}>
          <Route index element={start} />
          <Route path="overview" element={<View of={<Overview />} />} />
          <Route path="configurations/*" element={<View of={<Configurations />} />} />
          <Route path="history" element={<View of={<History />} />} />
          <Route path="history/:uuid/*" element={<View of={<JobPage />} />} />
          <Route path="restore/*" element={<View of={<Restore />} />} />
          <Route path="restores/:uuid" element={<View of={<RestorePage />} />} />
          <Route path="*" element={start} />
        </Route>
      </Routes>
    </ConsolePath>
  );
}

function View({ of }: { of: ReactNode }) {
  const { pathname } = useLocation();
  return (
    <ErrorBoundary place={pathname}>
      <Suspense fallback={<Loading />}>{of}</Suspense>
    </ErrorBoundary>
  );
}
