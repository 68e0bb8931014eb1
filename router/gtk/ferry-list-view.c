/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list view in a scrolled window, as all lists of this library are. */

#include "config.h"

#include "gtk/ferry-look-private.h"

/* Those who do not see a list go through its rows. The parts of a scroll bar have no names but those of their types,
 * and GTK tells of the one that is never shown, too. */
static void
hide_scroll_bars (GtkWidget *scrolled)
{
  GtkWidget *bars[] = {gtk_scrolled_window_get_hscrollbar (GTK_SCROLLED_WINDOW (scrolled)),
                       gtk_scrolled_window_get_vscrollbar (GTK_SCROLLED_WINDOW (scrolled))};

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    gtk_accessible_update_state (GTK_ACCESSIBLE (bars[i]), GTK_ACCESSIBLE_STATE_HIDDEN, TRUE, -1);
}

GtkWidget *
ferry_list_view_new (GtkSelectionModel *selection, const FerryListViewFuncs *funcs, gpointer owner, const char *label,
                     GtkWidget **view)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  g_signal_connect_object (factory, "setup", funcs->setup, owner, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "bind", funcs->bind, owner, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "unbind", funcs->unbind, owner, G_CONNECT_SWAPPED);
  if (funcs->teardown != NULL)
    g_signal_connect_object (factory, "teardown", funcs->teardown, owner, G_CONNECT_SWAPPED);
  *view = gtk_list_view_new (g_object_ref (selection), factory);
  gtk_list_view_set_show_separators (GTK_LIST_VIEW (*view), TRUE);
  gtk_widget_add_css_class (*view, "rich-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (*view), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                  GTK_ACCESSIBLE_PROPERTY_MULTI_SELECTABLE, GTK_IS_MULTI_SELECTION (selection), -1);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), *view);
  gtk_widget_set_vexpand (scrolled, TRUE);
  hide_scroll_bars (scrolled);
  return scrolled;
}

void
ferry_list_view_set_max_height (GtkWidget *view, int height)
{
  GtkScrolledWindow *scrolled = GTK_SCROLLED_WINDOW (gtk_widget_get_ancestor (view, GTK_TYPE_SCROLLED_WINDOW));

  gtk_scrolled_window_set_propagate_natural_height (scrolled, height > 0);
  gtk_scrolled_window_set_max_content_height (scrolled, height > 0 ? height : -1);
}

/* A view that is not shown would take the focus too. */
gboolean
ferry_list_view_grab_focus (GtkWidget *stack, GtkWidget *view)
{
  GtkWidget *shown = gtk_stack_get_visible_child (GTK_STACK (stack));

  return gtk_widget_is_ancestor (view, shown) ? gtk_widget_grab_focus (view)
                                              : gtk_widget_child_focus (shown, GTK_DIR_TAB_FORWARD);
}

guint
ferry_list_view_find (gpointer model, gconstpointer item)
{
  guint n_items = g_list_model_get_n_items (model);

  for (guint position = 0; position < n_items; position++)
    {
      g_autoptr (GObject) candidate = g_list_model_get_item (model, position);

      if (candidate == item)
        return position;
    }
  return n_items;
}
