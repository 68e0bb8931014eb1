/* An application to copy: open files, and see their SHA-256. It has an installed worker, a desktop file and a
 * translation. Here are its id, its actions, and its windows.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include "checksums-window.h"

#include <glib/gi18n.h>
#include <locale.h>

#define APPLICATION_ID "org.example.Checksums"

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  GtkWindow *window = gtk_application_get_active_window (application);

  if (window == NULL)
    window = GTK_WINDOW (checksums_window_new (application));
  for (int i = 0; i < n_files; i++)
    checksums_window_open (CHECKSUMS_WINDOW (window), files[i]);
  gtk_window_present (window);
}

static void
activate_cb (GtkApplication *application)
{
  open_cb (application, NULL, 0);
}

static void
about_activated (GSimpleAction *action, GVariant *parameter, gpointer application)
{
  gtk_show_about_dialog (gtk_application_get_active_window (application), "program-name", _ ("Checksums"), "version",
                         VERSION, "logo-icon-name", APPLICATION_ID, "comments", _ ("Computes the SHA-256 of files"),
                         NULL);
}

int
main (int argc, char **argv)
{
  static const GActionEntry actions[] = {{.name = "about", .activate = about_activated}};

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name (_ ("Checksums"));
  gtk_window_set_default_icon_name (APPLICATION_ID);

  g_autoptr (GtkApplication) application = gtk_application_new (APPLICATION_ID, G_APPLICATION_HANDLES_OPEN);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
