/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ends of tasks, read out by a screen reader. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-ends-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-words-private.h"

/* How often ends of tasks are read out at most. */
#define ENDS_SECONDS 2

struct _FerryTaskEnds
{
  GObject parent_instance;

  GtkWidget *list;               /* (unowned) */
  GtkWidget *line;               /* (unowned) */
  FerryTaskTally *tally;         /* (owned) (nullable) */
  guint64 n_completed, n_failed; /* how many ends were read out, or passed over */
  guint timer;                   /* ends are read out later */
};

G_DEFINE_FINAL_TYPE (FerryTaskEnds, ferry_task_ends, G_TYPE_OBJECT)

static gboolean
count_ends (FerryTaskEnds *self, guint64 *n_completed, guint64 *n_failed)
{
  FerryTaskFigures figures = {0};

  if (self->tally != NULL)
    figures = ferry_task_tally_get (self->tally);
  *n_completed = figures.n_completed - self->n_completed;
  *n_failed = figures.n_failed - self->n_failed;
  self->n_completed = figures.n_completed;
  self->n_failed = figures.n_failed;
  return *n_completed + *n_failed > 0;
}

void
ferry_task_ends_pass_over (FerryTaskEnds *self)
{
  guint64 n_completed, n_failed;

  g_clear_handle_id (&self->timer, g_source_remove);
  count_ends (self, &n_completed, &n_failed);
}

static gboolean
timer_cb (gpointer data)
{
  FerryTaskEnds *self = data;
  guint64 n_completed, n_failed;
  g_autofree char *words = NULL;

  self->timer = 0;
  if (!count_ends (self, &n_completed, &n_failed))
    return G_SOURCE_REMOVE;
  words = ferry_task_words_for_ends (n_completed, n_failed);
  ferry_announce (self->list, self->line, words);
  return G_SOURCE_REMOVE;
}

static void
figures_cb (FerryTaskEnds *self)
{
  if (self->timer != 0 || !gtk_widget_get_mapped (self->list))
    return;
  self->timer = g_timeout_add_seconds (ENDS_SECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] ends of tasks, read out");
}

static void
ferry_task_ends_finalize (GObject *object)
{
  FerryTaskEnds *self = FERRY_TASK_ENDS (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->tally);
  G_OBJECT_CLASS (ferry_task_ends_parent_class)->finalize (object);
}

static void
ferry_task_ends_class_init (FerryTaskEndsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_ends_finalize;
}

static void
ferry_task_ends_init (FerryTaskEnds *self)
{
}

FerryTaskEnds *
ferry_task_ends_new (GtkWidget *list, GtkWidget *line)
{
  FerryTaskEnds *self = g_object_new (FERRY_TYPE_TASK_ENDS, NULL);

  self->list = list;
  self->line = line;
  return self;
}

void
ferry_task_ends_set_tally (FerryTaskEnds *self, FerryTaskTally *tally)
{
  if (self->tally != NULL)
    g_signal_handlers_disconnect_by_func (self->tally, figures_cb, self);
  g_set_object (&self->tally, tally);
  if (tally != NULL)
    g_signal_connect_object (tally, "changed", G_CALLBACK (figures_cb), self, G_CONNECT_SWAPPED);
  ferry_task_ends_pass_over (self);
}
