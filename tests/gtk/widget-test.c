/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "gtk/widget-test.h"

void
widget_test_init (int *argc, char ***argv)
{
  /* The accessible tree of GTK's own tests, so that there is one without a bus. */
  g_setenv ("GTK_A11Y", "test", TRUE);
  g_test_init (argc, argv, NULL);
  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL)
    gtk_init ();
}

gboolean
widget_test_has_display (void)
{
  if (gtk_is_initialized ())
    return TRUE;
  g_test_skip ("There is no display");
  return FALSE;
}

static gboolean
is_mapped (gpointer data)
{
  return gtk_widget_get_mapped (data);
}

GtkWidget *
widget_test_show (GtkWidget *child)
{
  GtkWidget *window = gtk_window_new ();

  gtk_window_set_child (GTK_WINDOW (window), child);
  gtk_window_present (GTK_WINDOW (window));
  ferry_test_look_until (is_mapped, child);
  return window;
}

static void
count_cb (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

void
widget_test_count_notifications (gpointer object, const char *property, guint *count)
{
  g_autofree char *signal = property != NULL ? g_strconcat ("notify::", property, NULL) : g_strdup ("notify");

  g_signal_connect (object, signal, G_CALLBACK (count_cb), count);
}
