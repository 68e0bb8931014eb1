/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "object/ferry-demo-log-factory.h"

#include <ferry-objects.h>

#include "app/ferry-demo-message.h"

#define PLACEHOLDER "…"

static GtkWidget *
get_time_label (GtkWidget *box)
{
  return gtk_widget_get_first_child (box);
}

static GtkWidget *
get_text_label (GtkWidget *box)
{
  return gtk_widget_get_last_child (box);
}

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *time_label = gtk_label_new (NULL);
  GtkWidget *text_label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (time_label), 1.0f);
  gtk_label_set_width_chars (GTK_LABEL (time_label), 8);
  gtk_widget_add_css_class (time_label, "figures");
  gtk_widget_add_css_class (time_label, "dim-label");
  gtk_label_set_xalign (GTK_LABEL (text_label), 0.0f);
  gtk_label_set_ellipsize (GTK_LABEL (text_label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (text_label, TRUE);
  gtk_box_append (GTK_BOX (box), time_label);
  gtk_box_append (GTK_BOX (box), text_label);
  gtk_list_item_set_child (item, box);
}

/* What comes from a worker may be of any type. */
static void
show_row (GtkWidget *box, GParamSpec *pspec, FerryListRow *row)
{
  GVariant *value = ferry_list_row_get_loaded (row) ? ferry_list_row_get_value (row) : NULL;
  gboolean usable = value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (FERRY_DEMO_LOG_ROW_TYPE));
  g_autofree char *when = NULL;
  const char *text = PLACEHOLDER;
  double time;

  if (usable)
    {
      g_variant_get (value, "(d&s)", &time, &text);
      when = g_strdup_printf ("%.1f s", time);
    }
  gtk_label_set_text (GTK_LABEL (get_time_label (box)), when != NULL ? when : "");
  gtk_label_set_text (GTK_LABEL (get_text_label (box)), text);
  gtk_widget_set_tooltip_text (box, usable ? text : NULL);
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_list_item_get_child (item);
  FerryListRow *row = gtk_list_item_get_item (item);

  g_signal_connect_object (row, "notify", G_CALLBACK (show_row), box, G_CONNECT_SWAPPED);
  show_row (box, NULL, row);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (item), show_row, gtk_list_item_get_child (item));
}

GtkListItemFactory *
ferry_demo_log_factory_new (void)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", G_CALLBACK (setup_cb), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (unbind_cb), NULL);
  return factory;
}
