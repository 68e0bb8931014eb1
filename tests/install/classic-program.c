/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a user of an older system needs of its library when it is installed. */

#include <ferry-classic.h>

int
main (void)
{
  g_autoptr (FerryErrorList) errors = ferry_error_list_new ();
  g_autoptr (GError) error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_NOT_DONE, "not yet");

  if (!ferry_error_list_take (errors, "work", &error) || ferry_error_list_raise_any (errors, "work", &error))
    return 1;
  g_print ("%s\n", error->message);
  return 0;
}
