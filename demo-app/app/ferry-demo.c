/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo's main(). */

#include <glib/gi18n.h>

#include "app/ferry-demo-application.h"
#include "app/ferry-demo-place.h"

int
main (int argc, char *argv[])
{
  g_autoptr (FerryDemoApplication) application = NULL;

  ferry_demo_translate ();
  g_set_application_name (_ ("Ferry Demo"));

  application = ferry_demo_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
