/** The EDMS around the console: its addresses and its frame. */

import "@mantine/core/styles.layer.css";

import { MantineProvider } from "@mantine/core";
import { lazy, Suspense } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";

import { Loading } from "../components/backup/common/states";
import { readable, theme } from "./theme";

const BackupManagement = lazy(() => import("../components/backup/BackupManagement"));

export function Edms({ basePath }: { basePath: string }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={readable} defaultColorScheme="auto">
      <BrowserRouter basename={basePath}>
        <Suspense fallback={<Loading />}>
          <Routes>
            <Route path="admin/backup/*" element={<BackupManagement />} />
            <Route path="*" element={<Navigate to="admin/backup" replace />} />
          </Routes>
        </Suspense>
      </BrowserRouter>
    </MantineProvider>
  );
}
