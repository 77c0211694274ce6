/**
 * The backup console, one page with several views.
 *
 * Inside a React Router of the host, `<BackupManagement />` takes its addresses from its route, which must end in `/*`.
 * Elsewhere it uses the address of the browser below `basePath`.
 */

import "@mantine/core/styles.layer.css";

import {
  type MantineColorScheme,
  MantineContext,
  MantineProvider,
  MantineThemeProvider,
  type MantineThemeOverride,
  mergeThemeOverrides,
} from "@mantine/core";
import { lazy, type ReactNode, Suspense, useContext, useEffect, useMemo } from "react";
import { BrowserRouter, Navigate, Route, Routes, useInRouterContext, useLocation } from "react-router";

import type { Headers } from "../../api/client";
import { ApiProvider, useApi } from "../../api/ApiProvider";
import { EventsProvider } from "../../api/events";
import { contrast, theme as ownTheme } from "../../theme";
import { ErrorBoundary } from "../../components/ErrorBoundary";
import { ConsolePath, useMountPath } from "./consolePath";
import { Loading } from "../../components/states";
import { PaletteProvider } from "../../components/Palette";
import { backupSource } from "./paletteSource";
import { Localized } from "../../components/Localized";
import { ConsoleLayout } from "./ConsoleLayout";

const VIEWS = {
  overview: () => import("./overview/Overview"),
  configurations: () => import("./configurations/Configurations"),
  history: () => import("./history/History"),
  job: () => import("./history/JobPage"),
  restore: () => import("./restore/Restore"),
  restores: () => import("./restore/RestorePage"),
  storage: () => import("./storage/Storage"),
  settings: () => import("./settings/Settings"),
};
const Overview = lazy(VIEWS.overview);
const Configurations = lazy(VIEWS.configurations);
const History = lazy(VIEWS.history);
const JobPage = lazy(VIEWS.job);
const Restore = lazy(VIEWS.restore);
const RestorePage = lazy(VIEWS.restores);
const Storage = lazy(VIEWS.storage);
const Settings = lazy(VIEWS.settings);
/** After this time the requested view is loaded, or the connection is slow. */
/** The same object at every render. */
const NO_CHANGES: MantineThemeOverride = {};
const PRELOAD_DELAY_MS = 3_000;

/** Loads the other views while the server is reachable, so that they can report a lost server themselves. */
function usePreloadedViews(): void {
  useEffect(() => {
    const timer = window.setTimeout(() => {
      Object.values(VIEWS).forEach((load) => void load().catch(() => {}));
    }, PRELOAD_DELAY_MS);
    return () => window.clearTimeout(timer);
  }, []);
}

export interface BackupManagementProps {
  /** The address of the API without a trailing slash. */
  apiUrl?: string;
  /** The address of the console, for a page without a router. */
  basePath?: string;
  /** Called when the user is no longer signed in. Pass the same function at every render. */
  onSignedOut?: () => void;
  /**
   * Headers for every request, such as a token. Without them, the session of the browser counts. Pass the same
   * function at every render.
   */
  headers?: Headers;
  /** The language for all users, such as `de`. Without it, each user has that of the browser, or chooses one. */
  locale?: string;
  /** Changes to the theme, as Mantine takes them: colours, fonts, radius. The theme of a page with Mantine counts, too. */
  theme?: MantineThemeOverride;
  /** The colour scheme of a page without Mantine. */
  colorScheme?: MantineColorScheme;
}

export default function BackupManagement(props: BackupManagementProps) {
  const { apiUrl = "/api/v1/backup", basePath = "/", onSignedOut, headers, locale, ...look } = props;
  const hasRouter = useInRouterContext();
  const views = (
    <Styled {...look}>
      <Localized language={locale?.slice(0, 2)}>
        <ApiProvider baseUrl={apiUrl} onSignedOut={onSignedOut} headers={headers}>
          <EventsProvider>
            <Views />
          </EventsProvider>
        </ApiProvider>
      </Localized>
    </Styled>
  );
  return hasRouter ? views : <BrowserRouter basename={basePath}>{views}</BrowserRouter>;
}

/** Keeps the theme and the colour scheme of the page around it, or brings its own. */
function Styled(props: Pick<BackupManagementProps, "theme" | "colorScheme"> & { children: ReactNode }) {
  const { theme: changes = NO_CHANGES, colorScheme = "auto", children } = props;
  if (useContext(MantineContext) !== null) {
    return <MantineThemeProvider theme={changes}>{children}</MantineThemeProvider>;
  }
  return (
    <MantineProvider
      theme={mergeThemeOverrides(ownTheme, changes)}
      cssVariablesResolver={contrast}
      defaultColorScheme={colorScheme}
    >
      {children}
    </MantineProvider>
  );
}

function Views() {
  usePreloadedViews();
  const base = useMountPath();
  const api = useApi();
  const sources = useMemo(() => [backupSource(api, base)], [api, base]);
  const start = <Navigate to={`${base}/overview`} replace />;
  return (
    <ConsolePath value={base}>
      <PaletteProvider sources={sources} withButton>
        <Routes>
          <Route element={<ConsoleLayout />}>
            <Route index element={start} />
            <Route path="overview" element={<View content={<Overview />} />} />
            <Route path="configurations/*" element={<View content={<Configurations />} />} />
            <Route path="history" element={<View content={<History />} />} />
            <Route path="history/:uuid/*" element={<View content={<JobPage />} />} />
            <Route path="restore/*" element={<View content={<Restore />} />} />
            <Route path="restores/:uuid" element={<View content={<RestorePage />} />} />
            <Route path="storage" element={<View content={<Storage />} />} />
            <Route path="settings" element={<View content={<Settings />} />} />
            <Route path="*" element={start} />
          </Route>
        </Routes>
      </PaletteProvider>
    </ConsolePath>
  );
}

function View({ content }: { content: ReactNode }) {
  const { pathname } = useLocation();
  return (
    <ErrorBoundary resetKey={pathname}>
      <Suspense fallback={<Loading />}>{content}</Suspense>
    </ErrorBoundary>
  );
}
