/** What could not be shown at all: a part of the page that the server does not hand out any more, or an error of ours. */

import { Alert, Button, Text } from "@mantine/core";
import { Component, type ReactNode } from "react";

import { t } from "../i18n";

interface State {
  error: Error | null;
}

interface ErrorBoundaryProps {
  /** Which part of the page it is; another one is tried anew. */
  place?: string;
  children: ReactNode;
}

export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override componentDidUpdate(before: ErrorBoundaryProps) {
    if (this.state.error !== null && before.place !== this.props.place) {
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
