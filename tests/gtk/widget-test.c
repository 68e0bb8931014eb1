/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "gtk/widget-test.h"

#include <string.h>

void
widget_test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  widget_test_start ();
}

void
widget_test_start (void)
{
  /* The accessible tree of GTK's own tests, so that there is one without a bus. */
  g_setenv ("GTK_A11Y", "test", TRUE);
  if (g_getenv ("DISPLAY") != NULL || g_getenv ("WAYLAND_DISPLAY") != NULL)
    gtk_init ();
}

gboolean
widget_test_has_display (void)
{
  ferry_test_let_tooltips_end ();
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

  gtk_window_set_default_size (GTK_WINDOW (window), 480, 480);
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

/* (nullable): of a widget that shows a text. */
static const char *
get_text (GtkWidget *widget)
{
  if (GTK_IS_INSCRIPTION (widget))
    return gtk_inscription_get_text (GTK_INSCRIPTION (widget));
  return GTK_IS_LABEL (widget) ? gtk_label_get_text (GTK_LABEL (widget)) : NULL;
}

GtkWidget *
widget_test_find_words (GtkWidget *widget, const char *words)
{
  const char *text = get_text (widget);

  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (text != NULL && strstr (text, words) != NULL)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = widget_test_find_words (child, words);

      if (found != NULL)
        return found;
    }
  return NULL;
}

typedef struct
{
  GtkWidget *widget;
  const char *words;
} Words;

static gboolean
are_shown (gpointer data)
{
  const Words *words = data;

  return widget_test_find_words (words->widget, words->words) != NULL;
}

void
widget_test_wait_words (GtkWidget *widget, const char *words)
{
  Words wanted = {widget, words};

  ferry_test_look_until (are_shown, &wanted);
}

typedef struct
{
  GdkFrameClock *clock;
  gint64 frame;
} Frame;

static gboolean
is_over (gpointer data)
{
  const Frame *frame = data;

  return gdk_frame_clock_get_frame_counter (frame->clock) > frame->frame;
}

void
widget_test_wait_frame (GtkWidget *window)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (window);
  Frame frame = {clock, gdk_frame_clock_get_frame_counter (clock)};

  gtk_widget_queue_draw (window);
  ferry_test_look_until (is_over, &frame);
}

void
widget_test_press (GtkWidget *widget, const char *key)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);
  gboolean pressed = FALSE;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (!GTK_IS_SHORTCUT_CONTROLLER (controller))
        continue;
      for (guint j = 0; j < g_list_model_get_n_items (G_LIST_MODEL (controller)); j++)
        {
          g_autoptr (GtkShortcut) shortcut = g_list_model_get_item (G_LIST_MODEL (controller), j);
          g_autofree char *trigger = gtk_shortcut_trigger_to_string (gtk_shortcut_get_trigger (shortcut));

          if (strcmp (trigger, key) == 0)
            pressed |= gtk_shortcut_action_activate (gtk_shortcut_get_action (shortcut), 0, widget,
                                                     gtk_shortcut_get_arguments (shortcut));
        }
    }
  g_assert_true (pressed);
}

void
widget_test_assert_read_once (GtkWidget *widget)
{
  if (GTK_IS_BUTTON (widget) && gtk_button_get_use_underline (GTK_BUTTON (widget)))
    g_assert_false (gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL));
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    widget_test_assert_read_once (child);
}

void
widget_test_assert_label (GtkWidget *widget, const char *verb, const char *title)
{
  g_autofree char *label = g_strdup_printf ("%s: %s", verb, title);
  g_autofree char *difference =
    gtk_test_accessible_check_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL, label);

  if (difference != NULL)
    g_error ("The label '%s' is %s", label, difference);
}
