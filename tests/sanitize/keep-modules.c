/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded when LeakSanitizer runs. What a module of GTK or of a driver leaves behind is reported when the program
 * ends, and by then the module is unloaded: the report has no name that a suppression could match. So nothing is
 * unloaded. */

int dlclose (void *handle);

__attribute__ ((visibility ("default"))) int
dlclose (void *handle)
{
  (void) handle;
  return 0;
}
