/* An application to live with: videos, pictures and folders, which ffmpeg, pngquant, 7z and others convert or pack.
 * Drop them on its window. The list has buttons for Pause, Cancel and Run Again, and the originals stay as they are.
 * Its worker, worker.c, runs the programs.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include "converter-window.h"

#include <glib/gi18n.h>
#include <locale.h>

#define APPLICATION_ID "org.example.Converter"

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  GtkWindow *window = gtk_application_get_active_window (application);

  if (window == NULL)
    window = g_object_new (CONVERTER_TYPE_WINDOW, "application", application, NULL);
  converter_window_open (CONVERTER_WINDOW (window), files, (guint) n_files);
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
  gtk_show_about_dialog (gtk_application_get_active_window (application), "program-name", _ ("Converter"), "version",
                         VERSION, "logo-icon-name", APPLICATION_ID, "comments",
                         _ ("Convert videos, make pictures smaller, pack folders"), NULL);
}

int
main (int argc, char **argv)
{
  static const GActionEntry actions[] = {{.name = "about", .activate = about_activated}};

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name (_ ("Converter"));
  gtk_window_set_default_icon_name (APPLICATION_ID);

  g_autoptr (GtkApplication) application = gtk_application_new (APPLICATION_ID, G_APPLICATION_HANDLES_OPEN);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions), application);
  /* Neither ends it at once: while there is work, the window asks. */
  gtk_application_set_accels_for_action (application, "window.close",
                                         (const char *const[]){"<Control>q", "<Control>w", NULL});
  g_application_set_option_context_parameter_string (G_APPLICATION (application), "[FILE…]");
  g_application_set_option_context_summary (G_APPLICATION (application),
                                            _ ("Convert videos, make pictures smaller, pack folders"));
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
