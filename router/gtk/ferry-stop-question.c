/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A dialog with a question and two answers, of which the one that loses nothing has the focus.
 *
 * It is a plain window, since GTK has another class for dialogs in each of its versions. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-stop-question-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-translation-private.h"

#define WIDTH_CHARACTERS 36
#define WIDTH 360
#define MARGIN 24

struct _FerryStopQuestion
{
  GtkWindow parent_instance;

  GtkWidget *heading;
  GtkWidget *body;
  GtkWidget *buttons;
  GtkWidget *stop;
};

static guint stop_signal;

G_DEFINE_FINAL_TYPE (FerryStopQuestion, ferry_stop_question, GTK_TYPE_WINDOW)

static GtkWidget *
add_label (GtkWidget *box, const char *style)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "justify", GTK_JUSTIFY_CENTER, "max-width-chars",
                                   WIDTH_CHARACTERS, NULL);

  gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

static GtkWidget *
add_button (GtkWidget *box, const char *words, GCallback clicked, FerryStopQuestion *self)
{
  GtkWidget *button = ferry_look_make_button (words);

  gtk_widget_set_hexpand (button, TRUE);
  g_signal_connect_object (button, "clicked", clicked, self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), button);
  return button;
}

static void
stop_cb (FerryStopQuestion *self)
{
  g_autoptr (FerryStopQuestion) kept = g_object_ref (self);

  g_signal_emit (self, stop_signal, 0);
  gtk_window_destroy (GTK_WINDOW (kept));
}

static void
ferry_stop_question_class_init (FerryStopQuestionClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  stop_signal = g_signal_new ("stop", FERRY_TYPE_STOP_QUESTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ferry_stop_question_init (FerryStopQuestion *self)
{
  GtkWidget *content =
    ferry_look_begin_dialog (GTK_WINDOW (self), GTK_ACCESSIBLE_ROLE_ALERT_DIALOG, "stopquestion", 12, MARGIN);
  GtkWidget *keep;

  self->buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  self->heading = add_label (content, "heading");
  self->body = add_label (content, "body");
  keep = add_button (self->buttons, _ ("_Keep Running"), G_CALLBACK (gtk_window_close), self);
  self->stop = add_button (self->buttons, _ ("_Stop"), G_CALLBACK (stop_cb), self);
  gtk_box_set_homogeneous (GTK_BOX (self->buttons), TRUE);
  gtk_widget_set_margin_top (self->buttons, 12);
  gtk_box_append (GTK_BOX (content), self->buttons);
  gtk_window_set_child (GTK_WINDOW (self), content);
  gtk_window_set_titlebar (GTK_WINDOW (self), g_object_new (GTK_TYPE_BOX, "visible", FALSE, NULL));
  gtk_window_set_default_widget (GTK_WINDOW (self), keep);
  gtk_window_set_focus (GTK_WINDOW (self), keep);
}

/* No wider than the window that it stands over: on a telephone, the buttons stand below each other. */
FerryStopQuestion *
ferry_stop_question_new (GtkWindow *parent)
{
  FerryStopQuestion *self =
    g_object_new (FERRY_TYPE_STOP_QUESTION, "transient-for", parent, "modal", TRUE, "destroy-with-parent", TRUE, NULL);
  int width = ferry_look_get_dialog_width (GTK_WIDGET (parent), WIDTH), least;

  gtk_widget_measure (self->buttons, GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  if (least + 2 * MARGIN > width)
    gtk_orientable_set_orientation (GTK_ORIENTABLE (self->buttons), GTK_ORIENTATION_VERTICAL);
  gtk_window_set_default_size (GTK_WINDOW (self), width, -1);
  return self;
}

/* Takes heading and body. */
static void
set_words (FerryStopQuestion *self, char *heading, char *body, const char *stop)
{
  gtk_label_set_text (GTK_LABEL (self->heading), heading);
  gtk_label_set_text (GTK_LABEL (self->body), body);
  gtk_button_set_label (GTK_BUTTON (self->stop), stop);
  gtk_window_set_title (GTK_WINDOW (self), heading);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, heading,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, body, -1);
  g_free (heading);
  g_free (body);
}

/* What cannot be done once more is among what is kept, and is said to be interrupted when it comes back. */
static void
set_kept (FerryStopQuestion *self, guint n_kept)
{
  char *body = g_strdup_printf (
    ferry_gtk_ngettext ("%u task is kept, and goes on at the next start. If it runs now, it may have to begin anew.",
                        "%u tasks are kept, and go on at the next start. Those that run now may have to begin anew.",
                        n_kept),
    n_kept);

  gtk_widget_remove_css_class (self->stop, "destructive-action");
  set_words (self, g_strdup (_ ("Quit, and go on next time?")), body, _ ("_Quit"));
}

void
ferry_stop_question_set_unstored (FerryStopQuestion *self, guint n, const GError *why)
{
  gboolean is_full = g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NO_SPACE);

  gtk_widget_add_css_class (self->stop, "destructive-action");
  set_words (
    self, g_strdup_printf (ferry_gtk_ngettext ("%u task cannot be stored", "%u tasks cannot be stored", n), n),
    g_strdup (is_full ? _ ("The disk is full. What is not stored is lost when the application quits.")
                      : _ ("Their file cannot be written. What is not stored is lost when the application quits.")),
    ferry_gtk_ngettext ("_Quit and Lose It", "_Quit and Lose Them", n));
}

void
ferry_stop_question_set_n_tasks (FerryStopQuestion *self, guint n_lost, guint n_kept)
{
  const char *body =
    ferry_gtk_ngettext ("The window cannot close while it runs. What it has done so far may be lost.",
                        "The window cannot close while they run. What they have done so far may be lost.", n_lost);

  if (n_lost == 0)
    {
      set_kept (self, n_kept);
      return;
    }
  gtk_widget_add_css_class (self->stop, "destructive-action");
  set_words (self, g_strdup_printf (ferry_gtk_ngettext ("Stop %u task?", "Stop %u tasks?", n_lost), n_lost),
             g_strdup (body), _ ("_Stop"));
}
