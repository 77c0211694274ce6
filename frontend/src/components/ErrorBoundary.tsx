/**
 * Catches errors while a part of the page loads or renders: a script that the server no longer has, or our own error.
 */

import { Alert, Button, Text } from "@mantine/core";
import { Component, type ReactNode } from "react";

import { t } from "../i18n";

interface State {
  error: Error | null;
}

interface ErrorBoundaryProps {
  /** Identifies the part of the page. Another part is tried again. */
  resetKey?: string;
  children: ReactNode;
}

export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override componentDidUpdate(before: ErrorBoundaryProps) {
    if (this.state.error !== null && before.resetKey !== this.props.resetKey) {
      this.setState({ error: null });
    }
  }

  override render() {
    if (this.state.error === null) {
      return this.props.children;
    }
    return (
      <Alert color="red" title={t("common.brokenTitle")} role="alert">
        <Text>{t("common.brokenText")}</Text>
        <Text size="sm" mt="xs">
          {this.state.error.message}
        </Text>
        <Button mt="sm" size="xs" variant="default" onClick={() => window.location.reload()}>
          {t("common.reload")}
        </Button>
      </Alert>
    );
  }
}
