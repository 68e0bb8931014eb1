/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was removed from a list and can be put back. No list shows it until then, and its own one has the way back.
 *
 * Invariant: the bar is there while a task can be put back, and the time runs as long. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-undo-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-keeper-private.h"
#include "gtk/ferry-translation-private.h"

/* How long a removal can be undone. */
#define UNDO_SECONDS 8

struct _FerryTaskUndo
{
  GObject parent_instance;

  GHashTable *removed; /* (element-type FerryTask) (owned) */
  GHashTable *stopped; /* (element-type FerryTask) (owned): those of them that waited, and were cancelled */
  guint n_failed;      /* how many of the removed ones have failed */
  guint timer;
  void (*ended) (gpointer data);
  void (*changed) (gpointer data);
  gpointer data;

  GtkWidget *bar;    /* (owned): a revealer */
  GtkWidget *label;  /* (unowned): in the bar */
  GtkWidget *button; /* (unowned): in the bar */
  gboolean wants_focus;
  gboolean is_elsewhere; /* the application shows it, and the bar does not come */
};

G_DEFINE_FINAL_TYPE (FerryTaskUndo, ferry_task_undo, G_TYPE_OBJECT)

static GQueue undos = G_QUEUE_INIT; /* (element-type FerryTaskUndo) (unowned): of all lists */

static void
tell_others (FerryTaskUndo *self)
{
  for (GList *item = undos.head; item != NULL; item = item->next)
    {
      FerryTaskUndo *other = item->data;

      if (other != self)
        other->changed (other->data);
    }
}

char *
ferry_task_undo_dup_words (FerryTaskUndo *self)
{
  guint n = g_hash_table_size (self->removed);

  return n > 0 ? g_strdup_printf (ferry_gtk_ngettext ("%u task removed", "%u tasks removed", n), n) : NULL;
}

static void
show_bar (FerryTaskUndo *self)
{
  g_autofree char *words = ferry_task_undo_dup_words (self);
  gboolean is_shown = words != NULL && !self->is_elsewhere;

  if (words != NULL)
    gtk_label_set_text (GTK_LABEL (self->label), words);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->bar), is_shown);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->bar), GTK_ACCESSIBLE_STATE_HIDDEN, !is_shown, -1);
}

void
ferry_task_undo_set_elsewhere (FerryTaskUndo *self, gboolean is_elsewhere)
{
  self->is_elsewhere = is_elsewhere;
  show_bar (self);
}

gboolean
ferry_task_undo_is_elsewhere (FerryTaskUndo *self)
{
  return self->is_elsewhere;
}

static gboolean
timer_cb (gpointer data)
{
  FerryTaskUndo *self = data;

  /* Somebody is about to press it. */
  if (gtk_widget_get_focus_child (self->bar) != NULL)
    return G_SOURCE_CONTINUE;
  self->timer = 0;
  self->ended (self->data);
  return G_SOURCE_REMOVE;
}

static void
mapped_cb (FerryTaskUndo *self)
{
  if (self->wants_focus && g_hash_table_size (self->removed) > 0)
    gtk_widget_grab_focus (self->button);
  self->wants_focus = FALSE;
}

static void
ferry_task_undo_finalize (GObject *object)
{
  FerryTaskUndo *self = FERRY_TASK_UNDO (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_queue_remove (&undos, self);
  if (g_hash_table_size (self->removed) > 0)
    tell_others (self);
  g_hash_table_unref (self->removed);
  g_hash_table_unref (self->stopped);
  g_object_unref (self->bar);
  G_OBJECT_CLASS (ferry_task_undo_parent_class)->finalize (object);
}

static void
ferry_task_undo_class_init (FerryTaskUndoClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_undo_finalize;
}

static void
ferry_task_undo_init (FerryTaskUndo *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->removed = ferry_task_keeper_make_set ();
  self->stopped = ferry_task_keeper_make_set ();
  self->button = ferry_look_make_button (_ ("_Undo"));
  g_signal_connect_object (self->button, "map", G_CALLBACK (mapped_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  self->label = g_object_new (GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "xalign", 0.0, "hexpand",
                              TRUE, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->button), "task.undo");
  gtk_box_append (GTK_BOX (box), self->label);
  gtk_box_append (GTK_BOX (box), self->button);
  gtk_widget_add_css_class (box, "toolbar");
  self->bar = g_object_ref_sink (gtk_revealer_new ());
  gtk_revealer_set_transition_type (GTK_REVEALER (self->bar), GTK_REVEALER_TRANSITION_TYPE_SLIDE_UP);
  gtk_revealer_set_child (GTK_REVEALER (self->bar), box);
  show_bar (self);
}

FerryTaskUndo *
ferry_task_undo_new (void (*ended) (gpointer data), void (*changed) (gpointer data), gpointer data)
{
  FerryTaskUndo *self = g_object_new (FERRY_TYPE_TASK_UNDO, NULL);

  self->ended = ended;
  self->changed = changed;
  self->data = data;
  g_queue_push_tail (&undos, self);
  return self;
}

GtkWidget *
ferry_task_undo_get_bar (FerryTaskUndo *self)
{
  return self->bar;
}

void
ferry_task_undo_add (FerryTaskUndo *self, FerryTask *task, gboolean is_stopped)
{
  if (g_hash_table_add (self->removed, g_object_ref (task)))
    self->n_failed += ferry_task_get_state (task) == FERRY_TASK_STATE_FAILED;
  if (is_stopped)
    g_hash_table_add (self->stopped, g_object_ref (task));
}

void
ferry_task_undo_begin (FerryTaskUndo *self)
{
  show_bar (self);
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add_seconds (UNDO_SECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] undo of a removal");
  tell_others (self);
}

guint
ferry_task_undo_count (FerryTaskUndo *self)
{
  return g_hash_table_size (self->removed);
}

guint
ferry_task_undo_count_failed (FerryTaskUndo *self)
{
  return self->n_failed;
}

gboolean
ferry_task_undo_hides (gpointer task)
{
  for (GList *item = undos.head; item != NULL; item = item->next)
    if (g_hash_table_contains (FERRY_TASK_UNDO (item->data)->removed, task))
      return TRUE;
  return FALSE;
}

guint
ferry_task_undo_count_elsewhere (FerryTaskUndo *self, FerryTaskTally *tally, guint *n_failed)
{
  guint n = 0;

  *n_failed = 0;
  for (GList *item = undos.head; item != NULL; item = item->next)
    {
      GHashTableIter iter;
      gpointer task;

      g_hash_table_iter_init (&iter, FERRY_TASK_UNDO (item->data)->removed);
      while (item->data != self && g_hash_table_iter_next (&iter, &task, NULL))
        if (ferry_task_tally_find_executor (tally, task) != NULL)
          {
            n++;
            *n_failed += ferry_task_get_state (task) == FERRY_TASK_STATE_FAILED;
          }
    }
  return n;
}

gboolean
ferry_task_undo_is_stopped (FerryTaskUndo *self, gpointer task)
{
  return g_hash_table_contains (self->stopped, task);
}

GHashTable *
ferry_task_undo_get_tasks (FerryTaskUndo *self)
{
  return self->removed;
}

GHashTable *
ferry_task_undo_take_tasks (FerryTaskUndo *self)
{
  GHashTable *tasks = g_steal_pointer (&self->removed);

  self->removed = ferry_task_keeper_make_set ();
  self->n_failed = 0;
  g_hash_table_remove_all (self->stopped);
  g_clear_handle_id (&self->timer, g_source_remove);
  show_bar (self);
  if (g_hash_table_size (tasks) > 0)
    tell_others (self);
  return tasks;
}

/* It slides in, and cannot have the focus before. */
void
ferry_task_undo_grab_focus (FerryTaskUndo *self)
{
  self->wants_focus = !self->is_elsewhere && !gtk_widget_get_mapped (self->button);
  if (!self->wants_focus && !self->is_elsewhere)
    gtk_widget_grab_focus (self->button);
}
