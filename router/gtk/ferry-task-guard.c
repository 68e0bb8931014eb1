/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Guards work: against a window that is closed by mistake, a logout, and a machine that falls asleep.
 *
 * Owner:      the window, until it is destroyed. A guard does not keep its window.
 * Threads:    the one that runs GTK.
 * Invariants: there is one question at a time. What tells the desktop of the work is one for all guards of a model,
 *             and the last of their windows is the one that asks. */

#include "config.h"

#include "gtk/ferry-task-guard.h"

#include "gtk/ferry-stop-question-private.h"
#include "gtk/ferry-work-watch-private.h"

#define DEFAULT_LONG_WORK (10 * G_USEC_PER_SEC)

/**
 * FerryTaskGuard:
 *
 * Guards the work of an executor, or of several, while its window is open.
 *
 * Where tasks run or wait when the window is closed, a guard asks whether to stop them. Where they end meanwhile, the
 * window closes. Where they are stopped, it is hidden at once, and closes when they have ended, so that they tidy up
 * what they have begun: [property@Ferry.Task:cancel-grace] says for how long at most.
 *
 * Of the tasks of a queue, a guard asks whether to quit and go on next time, and closes the queue: no task is
 * cancelled. Where the queue's file cannot be written, it says how many tasks would be lost instead. It does the same
 * without a question when the process is told to end by `SIGTERM`, if nothing else handles that, and then has the
 * signal end it. If several windows have a guard of the same tasks, the last of them that is closed asks. A window that
 * only hides when it is closed does not ask.
 *
 * When work lasts for more than a second, a guard tells the desktop of it, by the application that is the default one
 * ([func@Gio.Application.get_default]). The machine is not suspended, and the user is asked before the session ends.
 * The icon in the dock, the list of jobs of KDE Plasma and the list of applications in the background show how far
 * the work is, where the desktop has them. When long work ends while no window of the application is active, there is a
 * notification.
 */
struct _FerryTaskGuard
{
  GObject parent_instance;

  GListModel *tasks;     /* const */
  GtkWindow *window;     /* (nullable): a weak pointer; NULL when the window is destroyed */
  FerryWorkWatch *watch; /* (nullable) (owned): the same */
  gint64 long_work;
  FerryStopQuestion *question; /* (nullable) (unowned): asked now */
  gboolean may_close;
  gboolean is_closing;    /* the window is hidden, until the tasks that were stopped have ended */
  gboolean awaits_queues; /* and until queues are closed */
};

enum
{
  PROP_TASKS = 1,
  PROP_WINDOW,
  PROP_LONG_WORK,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryTaskGuard, ferry_task_guard, G_TYPE_OBJECT)

static FerryTaskTally *
get_tally (FerryTaskGuard *self)
{
  return ferry_work_watch_get_tally (self->watch);
}

/* How many tasks wait and run. */
static guint
count_tasks (FerryTaskGuard *self)
{
  return ferry_task_tally_count_open (get_tally (self));
}

/* ---- the question ---- */

static void
close_window (FerryTaskGuard *self)
{
  self->may_close = TRUE;
  if (self->window != NULL)
    gtk_window_close (self->window);
  self->may_close = FALSE;
}

/* Those of queues go on next time, and are not waited for. */
static gboolean
may_close_now (FerryTaskGuard *self)
{
  return !self->awaits_queues && ferry_task_tally_count_lost (get_tally (self)) == 0;
}

static void
queues_closed_cb (gpointer data)
{
  g_autoptr (FerryTaskGuard) self = data;

  self->awaits_queues = FALSE;
  if (self->is_closing && self->watch != NULL && may_close_now (self))
    close_window (self);
}

/* An application that ends with its last window would end tasks before they have heard of the cancel. */
static void
stop_cb (FerryTaskGuard *self)
{
  self->is_closing = TRUE;
  self->awaits_queues = TRUE;
  gtk_widget_set_visible (GTK_WIDGET (self->window), FALSE);
  ferry_task_tally_close (get_tally (self), queues_closed_cb, g_object_ref (self));
}

static void
answered_cb (FerryTaskGuard *self)
{
  self->question = NULL;
}

static void
show_n_tasks (FerryTaskGuard *self)
{
  guint n_lost = ferry_task_tally_count_lost (get_tally (self));
  g_autoptr (GError) why = NULL;
  guint n_unstored = ferry_task_tally_count_unstored (get_tally (self), &why);

  if (n_unstored > 0)
    ferry_stop_question_set_unstored (self->question, n_unstored, why);
  else
    ferry_stop_question_set_n_tasks (self->question, n_lost, count_tasks (self) - n_lost);
}

/* The number of tasks in the question is always the present one. */
static void
figures_cb (FerryTaskGuard *self)
{
  if (self->question == NULL && !self->is_closing)
    return;
  if (self->is_closing)
    {
      if (may_close_now (self))
        close_window (self);
      return;
    }
  if (count_tasks (self) > 0)
    {
      show_n_tasks (self);
      return;
    }
  gtk_window_destroy (GTK_WINDOW (self->question));
  close_window (self);
}

static void
ask (FerryTaskGuard *self)
{
  self->question = ferry_stop_question_new (self->window);
  show_n_tasks (self);
  g_signal_connect_object (self->question, "stop", G_CALLBACK (stop_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->question, "destroy", G_CALLBACK (answered_cb), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (self->question));
}

static gboolean
close_request_cb (FerryTaskGuard *self)
{
  if (self->may_close || gtk_window_get_hide_on_close (self->window) || count_tasks (self) == 0 ||
      !ferry_work_watch_has_last_window (self->watch))
    return GDK_EVENT_PROPAGATE;
  if (self->question != NULL)
    gtk_window_present (GTK_WINDOW (self->question));
  else
    ask (self);
  return GDK_EVENT_STOP;
}

/* ---- the object ---- */

static void
end_watch (FerryTaskGuard *self)
{
  if (self->watch == NULL)
    return;
  ferry_work_watch_remove_window (self->watch);
  g_clear_object (&self->watch);
}

/* Whether the window was not destroyed. A window that others hold is not disposed when it is. */
static gboolean
is_open (FerryTaskGuard *self)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GObject) window = g_list_model_get_item (windows, i);

      if (window == G_OBJECT (self->window))
        return TRUE;
    }
  return FALSE;
}

/* The window lets go of the guard. */
static void
destroy_cb (FerryTaskGuard *self)
{
  g_autoptr (FerryTaskGuard) kept = g_object_ref (self);

  end_watch (kept);
  g_signal_handlers_disconnect_by_data (kept->window, kept);
  g_clear_weak_pointer (&kept->window);
  g_object_notify_by_pspec (G_OBJECT (kept), properties[PROP_WINDOW]);
}

static void
unrealize_cb (FerryTaskGuard *self)
{
  if (!is_open (self))
    destroy_cb (self);
}

static void
unref_closure (gpointer data, GClosure *closure)
{
  g_object_unref (data);
}

static void
ferry_task_guard_constructed (GObject *object)
{
  FerryTaskGuard *self = FERRY_TASK_GUARD (object);

  G_OBJECT_CLASS (ferry_task_guard_parent_class)->constructed (object);
  self->watch = ferry_work_watch_of (self->tasks);
  ferry_work_watch_add_window (self->watch);
  ferry_work_watch_set_long_work (self->watch, self->long_work);
  g_signal_connect_object (ferry_work_watch_get_tally (self->watch), "changed", G_CALLBACK (figures_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->window, "close-request", G_CALLBACK (close_request_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->window, "unrealize", G_CALLBACK (unrealize_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_data (self->window, "destroy", G_CALLBACK (destroy_cb), g_object_ref (self), unref_closure,
                         G_CONNECT_SWAPPED);
}

static void
ferry_task_guard_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskGuard *self = FERRY_TASK_GUARD (object);

  switch (property_id)
    {
    case PROP_TASKS:
      g_value_set_object (value, self->tasks);
      break;
    case PROP_WINDOW:
      g_value_set_object (value, self->window);
      break;
    case PROP_LONG_WORK:
      g_value_set_int64 (value, self->long_work);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
set_long_work (FerryTaskGuard *self, gint64 long_work)
{
  if (self->long_work == long_work)
    return;
  self->long_work = long_work;
  if (self->watch != NULL)
    ferry_work_watch_set_long_work (self->watch, long_work);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LONG_WORK]);
}

static void
ferry_task_guard_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskGuard *self = FERRY_TASK_GUARD (object);

  switch (property_id)
    {
    case PROP_TASKS:
      self->tasks = g_value_dup_object (value);
      break;
    case PROP_WINDOW:
      g_set_weak_pointer (&self->window, g_value_get_object (value));
      break;
    case PROP_LONG_WORK:
      set_long_work (self, g_value_get_int64 (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_task_guard_dispose (GObject *object)
{
  FerryTaskGuard *self = FERRY_TASK_GUARD (object);

  end_watch (self);
  g_clear_weak_pointer (&self->window);
  G_OBJECT_CLASS (ferry_task_guard_parent_class)->dispose (object);
}

static void
ferry_task_guard_finalize (GObject *object)
{
  g_clear_object (&FERRY_TASK_GUARD (object)->tasks);
  G_OBJECT_CLASS (ferry_task_guard_parent_class)->finalize (object);
}

static void
ferry_task_guard_class_init (FerryTaskGuardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags at_construction = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = ferry_task_guard_constructed;
  object_class->get_property = ferry_task_guard_get_property;
  object_class->set_property = ferry_task_guard_set_property;
  object_class->dispose = ferry_task_guard_dispose;
  object_class->finalize = ferry_task_guard_finalize;
  /**
   * FerryTaskGuard:tasks:
   *
   * The tasks that are guarded, as a list has them: an executor, several in a [class@Gtk.FlattenListModel], or another
   * list model of tasks.
   */
  properties[PROP_TASKS] = g_param_spec_object ("tasks", NULL, NULL, G_TYPE_LIST_MODEL, at_construction);
  /**
   * FerryTaskGuard:window:
   *
   * The window that asks; %NULL after it was destroyed.
   */
  properties[PROP_WINDOW] = g_param_spec_object ("window", NULL, NULL, GTK_TYPE_WINDOW, at_construction);
  /**
   * FerryTaskGuard:long-work:
   *
   * How long work must last so that its end is worth a notification, in microseconds. The default is 10 seconds. The
   * guards of the same tasks have one value together: the one that was set last.
   */
  properties[PROP_LONG_WORK] =
    g_param_spec_int64 ("long-work", NULL, NULL, 0, G_MAXINT64, DEFAULT_LONG_WORK,
                        G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_task_guard_init (FerryTaskGuard *self)
{
  self->long_work = DEFAULT_LONG_WORK;
}

/**
 * ferry_task_guard_add:
 * @tasks: (transfer none): an executor, or another list model of tasks
 * @window: the window whose closing ends the work
 *
 * Adds a guard to a window, which guards all tasks of the model until the window is destroyed. Several windows are to
 * have one and the same model. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer none): the guard, which the window keeps
 */
FerryTaskGuard *
ferry_task_guard_add (GListModel *tasks, GtkWindow *window)
{
  g_autoptr (FerryTaskGuard) self = NULL;

  g_return_val_if_fail (G_IS_LIST_MODEL (tasks), NULL);
  g_return_val_if_fail (GTK_IS_WINDOW (window), NULL);

  self = g_object_new (FERRY_TYPE_TASK_GUARD, "tasks", tasks, "window", window, NULL);
  return self;
}
