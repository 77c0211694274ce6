/** The console: everything about backups on one page with views of its own.
 *
 * `<BackupManagement />` inside of a host's React Router takes its addresses from the route that it stands in, which must
 * end in `/*`; elsewhere it uses the browser's address below `basePath`.
 */

import "@mantine/core/styles.layer.css";

import { MantineProvider } from "@mantine/core";
import { lazy, Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes, useInRouterContext } from "react-router";

import { ApiProvider } from "../../api/context";
import { EventsProvider } from "../../api/events";
import { readable, theme } from "../../shell/theme";
import { Loading } from "./common/states";
import { Frame } from "./Frame";

const Overview = lazy(() => import("./overview/Overview"));
const Configurations = lazy(() => import("./configurations/Configurations"));
const History = lazy(() => import("./history/History"));
const JobPage = lazy(() => import("./history/JobPage"));
const Restore = lazy(() => import("./restore/Restore"));
const RestorePage = lazy(() => import("./restore/RestorePage"));

export interface BackupManagementProps {
  /** The address of the API, without a slash at its end. */
  apiUrl?: string;
  /** Where the console lies, for a page without a router of its own. */
  basePath?: string;
}

export default function BackupManagement({ apiUrl = "/api/v1/backup", basePath = "/" }: BackupManagementProps) {
  const hasRouter = useInRouterContext();
  const views = (
    <MantineProvider theme={theme} cssVariablesResolver={readable} defaultColorScheme="auto">
      <ApiProvider baseUrl={apiUrl}>
        <EventsProvider>
          <Views />
        </EventsProvider>
      </ApiProvider>
    </MantineProvider>
  );
  return hasRouter ? views : <BrowserRouter basename={basePath}>{views}</BrowserRouter>;
}

function Views() {
  return (
    <Routes>
      <Route element={<Frame />}>
        <Route index element={<Navigate to="overview" replace />} />
        <Route path="overview" element={<View of={<Overview />} />} />
        <Route path="configurations/*" element={<View of={<Configurations />} />} />
        <Route path="history" element={<View of={<History />} />} />
        <Route path="history/:uuid/*" element={<View of={<JobPage />} />} />
        <Route path="restore/*" element={<View of={<Restore />} />} />
        <Route path="restores/:uuid" element={<View of={<RestorePage />} />} />
        <Route path="*" element={<Navigate to="overview" replace />} />
      </Route>
    </Routes>
  );
}

function View({ of }: { of: React.ReactNode }) {
  return <Suspense fallback={<Loading />}>{of}</Suspense>;
}
