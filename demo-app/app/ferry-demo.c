/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include <locale.h>

#include "app/ferry-demo-application.h"

int
main (int argc, char *argv[])
{
  g_autoptr (FerryDemoApplication) application = NULL;
  int status;

  setlocale (LC_ALL, "");
  g_set_application_name ("Ferry Demo");

  application = ferry_demo_application_new ();
  status = g_application_run (G_APPLICATION (application), argc, argv);
  return status != 0 ? status : ferry_demo_application_get_exit_status (application);
}
