/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-digests-button.h"

#include <glib/gi18n.h>

#include "tasks/ferry-demo-card.h"

#define ROW_KEY "ferry-demo-row"
#define GROUP_KEY "ferry-demo-monitor-signals"

/* (transfer none) (nullable): the card of the task that the button's row shows. */
static FerryDemoCard *
get_card (GtkWidget *button)
{
  g_autoptr (FerryTask) task = NULL;

  /* The row keeps it. */
  g_object_get (g_object_get_data (G_OBJECT (button), ROW_KEY), "task", &task, NULL);
  return task != NULL ? ferry_demo_card_get (task) : NULL;
}

static void
show (GtkWidget *button)
{
  FerryDemoCard *card = get_card (button);
  g_autofree char *label = NULL;

  gtk_widget_set_visible (button, card != NULL && ferry_task_get_done (ferry_demo_card_get_task (card)) &&
                                    ferry_demo_card_get_report (card)->listing->len > 0);
  if (card == NULL)
    return;
  label = g_strdup_printf (_ ("Copy digests: %s"), ferry_task_get_name (ferry_demo_card_get_task (card)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
}

static void
monitor_cb (GtkWidget *button, GParamSpec *pspec, FerryTaskRow *row)
{
  g_autoptr (FerryTaskMonitor) monitor = NULL;

  g_object_get (row, "monitor", &monitor, NULL);
  g_signal_group_set_target (g_object_get_data (G_OBJECT (button), GROUP_KEY), monitor);
  show (button);
}

static void
clicked_cb (GtkWidget *button)
{
  FerryDemoCard *card = get_card (button);
  g_autofree char *listing = NULL;

  if (card == NULL)
    return;
  listing = g_utf8_make_valid (ferry_demo_card_get_report (card)->listing->str, -1);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (button), listing);
}

GtkWidget *
ferry_demo_digests_button_new (FerryTaskRow *row)
{
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  GSignalGroup *group = g_signal_group_new (FERRY_TYPE_TASK_MONITOR);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, _ ("Copy the digests, as sha256sum prints them"));
  g_object_set_data (G_OBJECT (button), ROW_KEY, row);
  g_object_set_data_full (G_OBJECT (button), GROUP_KEY, group, g_object_unref);
  g_signal_group_connect_swapped (group, "notify::status", G_CALLBACK (show), button);
  g_signal_connect (button, "clicked", G_CALLBACK (clicked_cb), NULL);
  g_signal_connect_object (row, "notify::monitor", G_CALLBACK (monitor_cb), button, G_CONNECT_SWAPPED);
  show (button);
  return button;
}
