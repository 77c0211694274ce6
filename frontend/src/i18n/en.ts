/** The English catalogue. Each view has its own part. */

import { app } from "./en.app";
import { common } from "./en.common";
import { configurations } from "./en.configurations";
import { documents } from "./en.documents";
import { history } from "./en.history";
import { navigation } from "./en.navigation";
import { overview } from "./en.overview";
import { palette } from "./en.palette";
import { restore } from "./en.restore";
import { settings } from "./en.settings";
import { storage } from "./en.storage";
import { values } from "./en.values";

/** The shape that every other catalogue has, too. */
export const en = {
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
