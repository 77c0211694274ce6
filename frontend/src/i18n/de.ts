/** The German catalogue. */

import { app } from "./de.app";
import { common } from "./de.common";
import { configurations } from "./de.configurations";
import { documents } from "./de.documents";
import { history } from "./de.history";
import { navigation } from "./de.navigation";
import { overview } from "./de.overview";
import { palette } from "./de.palette";
import { restore } from "./de.restore";
import { settings } from "./de.settings";
import { storage } from "./de.storage";
import { values } from "./de.values";
import type { Catalogue } from "./index";

export const catalogue: Catalogue = {
  app,
  common,
  configurations,
  documents,
  history,
  navigation,
  overview,
  palette,
  restore,
  settings,
  storage,
  values,
};
