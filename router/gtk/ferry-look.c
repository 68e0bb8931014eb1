/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates, styles (CSS), icons and buttons of the widgets.
 *
 * The styles are for the nodes of this library alone. They come after those of the theme, which have too little
 * contrast for bars and small text, and before those of the application. A color that the theme may lack comes before
 * it. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-look-private.h"

#include "gtk/ferry-gtk-resources.h"

#define KEY "ferry-look"

void
ferry_look_ensure_resources (void)
{
  g_resources_register (ferry_gtk_get_resource ());
}

static void
add_styles (GdkDisplay *display, const char *resource, guint priority)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, resource);
  gtk_style_context_add_provider_for_display (display, GTK_STYLE_PROVIDER (provider), priority);
}

void
ferry_look_ensure_styles (GtkWidget *widget)
{
  GdkDisplay *display = gtk_widget_get_display (widget);

  if (g_object_get_data (G_OBJECT (display), KEY) != NULL)
    return;
  g_object_set_data (G_OBJECT (display), KEY, display);
  add_styles (display, FERRY_LOOK_RESOURCES "ferry-gtk-fallback.css", GTK_STYLE_PROVIDER_PRIORITY_FALLBACK);
  add_styles (display, FERRY_LOOK_RESOURCES "ferry-gtk.css", GTK_STYLE_PROVIDER_PRIORITY_SETTINGS + 1);
  gtk_icon_theme_add_resource_path (gtk_icon_theme_get_for_display (display), FERRY_LOOK_RESOURCES "icons");
}

/* GTK takes the text with its underscore, and the label of the mnemonic as well, which is enough. */
static void
forget_name (GtkWidget *button)
{
  gtk_accessible_reset_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL);
}

GtkWidget *
ferry_look_make_button (const char *words)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (words);

  g_signal_connect (button, "notify::label", G_CALLBACK (forget_name), NULL);
  forget_name (button);
  return button;
}

GtkWidget *
ferry_look_begin_dialog (GtkWindow *window, GtkAccessibleRole role, const char *css_class, int spacing, int margin)
{
  /* GTK 4.8 forgets the role of the class where a window is given a focus before it is shown. */
  g_object_set (window, "accessible-role", role, NULL);
  ferry_look_ensure_styles (GTK_WIDGET (window));
  gtk_widget_add_css_class (GTK_WIDGET (window), css_class);
  return g_object_new (GTK_TYPE_BOX, "orientation", GTK_ORIENTATION_VERTICAL, "spacing", spacing, "margin-start",
                       margin, "margin-end", margin, "margin-top", margin, "margin-bottom", margin, NULL);
}

int
ferry_look_get_dialog_width (GtkWidget *parent, int width)
{
  int limit = parent != NULL ? gtk_widget_get_width (parent) : 0;

  return limit > 0 ? MIN (limit, width) : width;
}

void
ferry_look_leave_popover (GtkWidget *widget)
{
  GtkWidget *popover = gtk_widget_get_ancestor (widget, GTK_TYPE_POPOVER);

  if (popover != NULL)
    gtk_popover_popdown (GTK_POPOVER (popover));
}
