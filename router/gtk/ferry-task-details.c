/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A window that says why a task failed: in words for users, and below that what a developer wants to read. */

#include "config.h"

#include "gtk/ferry-task-details-private.h"

#include "gtk/ferry-task-error-private.h"

#include <string.h>

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

#define MARGIN 18
#define WIDTH 480
#define HEIGHT 360

/* What is known beside the words for users: technical details. */
typedef struct
{
  char *message; /* (nullable): of the error, where the words for users do not have it */
  char *trace;   /* (nullable) */
  char *output;  /* (nullable) */
} Facts;

static void
facts_clear (Facts *facts)
{
  g_free (facts->message);
  g_free (facts->trace);
  g_free (facts->output);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Facts, facts_clear)

struct _FerryTaskDetails
{
  GtkWindow parent_instance;

  FerryTask *task;       /* (owned) */
  FerryTaskRowFunc func; /* (nullable): tries the task again */
  GObject *owner;        /* (nullable) (weak): whose func that is */
  GtkWidget *content;
  GtkWidget *retry_button;
  gboolean has_parts; /* there are technical details */
};

G_DEFINE_FINAL_TYPE (FerryTaskDetails, ferry_task_details, GTK_TYPE_WINDOW)

/* ---- what is known ---- */

/* (nullable): what the worker of the task printed last. */
static char *
dup_output (FerryTask *task)
{
  g_auto (GStrv) lines = NULL;

  g_object_get (task, "last-lines", &lines, NULL);
  return lines != NULL && *lines != NULL ? g_strjoinv ("\n", lines) : NULL;
}

/* Messages about a program that ended have the last line that it printed, in a clause of its own. */
static void
cut_last_line (char *message, const char *output)
{
  const char *break_before = output != NULL ? strrchr (output, '\n') : NULL;
  const char *last = break_before != NULL ? break_before + 1 : output;
  char *clause;

  if (output == NULL || *last == '\0' || !g_str_has_suffix (message, last))
    return;
  clause = g_strrstr_len (message, (gssize) (strlen (message) - strlen (last)), "; ");
  if (clause != NULL)
    *clause = '\0';
}

static Facts
find_facts (FerryTask *task, const char *detail)
{
  g_autofree char *technical = ferry_task_error_dup_technical (task);
  g_autofree char *failures = ferry_task_error_list_failures (task);
  Facts facts = {.output = dup_output (task)};

  g_object_get (task, "trace", &facts.trace, NULL);
  if (facts.trace != NULL)
    g_strchomp (facts.trace);
  cut_last_line (technical, facts.output);
  if (failures != NULL)
    facts.message = ferry_task_error_list_technical (task);
  else if (!g_str_has_prefix (technical, detail))
    facts.message = g_steal_pointer (&technical);
  return facts;
}

static void
append_part (GString *report, const char *heading, const char *text)
{
  if (text != NULL)
    g_string_append_printf (report, "\n%s:\n%s\n", heading, text);
}

char *
ferry_task_dup_error_report (FerryTask *task)
{
  g_autofree char *title = NULL, *detail = NULL;
  g_autofree char *failures = ferry_task_error_list_failures (task);
  g_auto (Facts) facts = {0};
  GString *report = g_string_new (NULL);

  if (!ferry_task_describe_error (task, &title, &detail, NULL))
    return g_string_free (report, FALSE);
  facts = find_facts (task, detail);
  g_string_append_printf (report, "%s: %s:%s%s\n", ferry_task_get_name (task), title, failures != NULL ? "\n" : " ",
                          failures != NULL ? failures : detail);
  append_part (report, _ ("Message"), facts.message);
  append_part (report, _ ("Trace"), facts.trace);
  append_part (report, _ ("Last output"), facts.output);
  return g_string_free (report, FALSE);
}

/* ---- the window ---- */

static GtkWidget *
add_label (FerryTaskDetails *self, const char *text, const char *style)
{
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", text, "xalign", 0.0, "wrap", TRUE, "wrap-mode",
                                   PANGO_WRAP_WORD_CHAR, "selectable", TRUE, NULL);

  gtk_widget_add_css_class (label, style);
  gtk_box_append (GTK_BOX (self->content), label);
  return label;
}

/* Text of a program, which has the direction of its own words. */
static void
add_part (FerryTaskDetails *self, const char *heading, const char *text)
{
  GtkWidget *label;

  if (text == NULL)
    return;
  if (!self->has_parts)
    gtk_widget_set_margin_top (add_label (self, _ ("Technical Details"), "heading"), MARGIN);
  self->has_parts = TRUE;
  gtk_widget_add_css_class (add_label (self, heading, "caption"), "dim-label");
  label = add_label (self, text, "monospace");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (label), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  gtk_widget_get_prev_sibling (label), NULL, -1);
}

/* What the title says already is not said below it, and a sentence that says all of the title stands alone. */
static void
add_title (FerryTaskDetails *self, const char *title, const char *sentence, const char *sentences)
{
  gboolean is_one = g_str_equal (sentences, sentence);

  add_label (self, is_one ? sentence : title, "title");
  if (!is_one && g_str_has_suffix (sentences, sentence))
    add_label (self, sentence, "body");
}

static void
copy_cb (FerryTaskDetails *self)
{
  g_autofree char *report = ferry_task_dup_error_report (self->task);

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), report);
}

/* As the row does it, which may be gone. */
static void
retry_cb (FerryTaskDetails *self)
{
  g_autoptr (GObject) owner = self->owner != NULL ? g_object_ref (self->owner) : NULL;
  g_autoptr (FerryTask) task = g_object_ref (self->task);
  FerryTaskRowFunc func = self->func;

  gtk_window_close (GTK_WINDOW (self));
  if (owner != NULL)
    func (owner, task, FERRY_TASK_ACTION_RETRY);
}

static void
show_task (FerryTaskDetails *self, FerryTask *task)
{
  g_autofree char *title = NULL, *detail = NULL, *sentence = NULL, *sentences = NULL;
  g_autofree char *failures = ferry_task_error_list_failures (task);
  g_auto (Facts) facts = {0};

  self->task = g_object_ref (task);
  gtk_window_set_title (GTK_WINDOW (self), ferry_task_words_get_name (task));
  ferry_task_describe_error (task, &title, &detail, NULL);
  facts = find_facts (task, detail);
  sentence = ferry_task_error_dup_sentence (detail);
  sentences = ferry_task_error_dup_sentences (title, detail);
  add_title (self, title, sentence, sentences);
  if (failures != NULL)
    add_label (self, failures, "body");
  add_part (self, _ ("Message"), facts.message);
  add_part (self, _ ("Trace"), facts.trace);
  add_part (self, _ ("Last output"), facts.output);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  ferry_task_words_get_name (task), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, title, -1);
}

static void
ferry_task_details_dispose (GObject *object)
{
  FerryTaskDetails *self = FERRY_TASK_DETAILS (object);

  g_clear_weak_pointer (&self->owner);
  g_clear_object (&self->task);
  G_OBJECT_CLASS (ferry_task_details_parent_class)->dispose (object);
}

static void
ferry_task_details_class_init (FerryTaskDetailsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_task_details_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
ferry_task_details_init (FerryTaskDetails *self)
{
  GtkWidget *header = gtk_header_bar_new (), *scrolled = gtk_scrolled_window_new ();
  GtkWidget *copy = ferry_look_make_button (_ ("_Copy"));

  self->content = ferry_look_begin_dialog (GTK_WINDOW (self), GTK_ACCESSIBLE_ROLE_DIALOG, "taskdetails", 6, MARGIN);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), self->content);
  g_signal_connect_object (copy, "clicked", G_CALLBACK (copy_cb), self, G_CONNECT_SWAPPED);
  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), copy);
  self->retry_button = ferry_look_make_button (_ ("_Run Again"));
  g_signal_connect_object (self->retry_button, "clicked", G_CALLBACK (retry_cb), self, G_CONNECT_SWAPPED);
  gtk_header_bar_pack_end (GTK_HEADER_BAR (header), self->retry_button);
  gtk_window_set_titlebar (GTK_WINDOW (self), header);
  gtk_window_set_child (GTK_WINDOW (self), scrolled);
  /* A text that has the focus would be selected as a whole. */
  gtk_window_set_focus (GTK_WINDOW (self), copy);
}

void
ferry_task_details_present (FerryTask *task, GtkWidget *widget, FerryTaskRowFunc func, gpointer owner)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  FerryTaskDetails *self = g_object_new (
    FERRY_TYPE_TASK_DETAILS, "transient-for", root, "modal", TRUE, "destroy-with-parent", TRUE, "default-width",
    ferry_look_get_dialog_width ((GtkWidget *) root, WIDTH), "default-height", HEIGHT, NULL);

  show_task (self, task);
  self->func = func;
  g_set_weak_pointer (&self->owner, owner);
  gtk_widget_set_visible (self->retry_button, func != NULL);
  ferry_look_leave_popover (widget);
  gtk_window_present (GTK_WINDOW (self));
}
