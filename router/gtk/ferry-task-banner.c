/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person has to know or do about a queue, such as that it is paused or that the disk is full, and a button for
 * it. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-banner.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-tally-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

/* What its button does, and so what it says. */
typedef enum
{
  OFFER_NOTHING,
  OFFER_CLOSE,
  OFFER_GO_ON,
  OFFER_RUN_AGAIN,
  OFFER_TRY_AGAIN,
} Offer;

/**
 * FerryTaskBanner:
 *
 * A banner over the tasks of a queue, for what waits for a person.
 *
 * It says the first of these that is so:
 *
 * - The queue's file cannot be written, as on a full disk ([property@FerryQueue.Queue:error]): what to do. It goes away
 *   by itself once the file can be written again. If somebody has removed the file, its button writes it anew.
 * - Tasks wait, and the program for them does not start ([property@Ferry.Executor:error]). Its tooltip has the cause,
 *   and its button tries again. It goes away by itself once the program starts.
 * - The file was damaged when it was opened ([property@FerryQueue.Queue:damage]): which tasks are left. Its tooltip
 *   says where the damaged file is, and its button closes it.
 * - The queue is paused and tasks wait in it: why ([property@FerryQueue.Queue:reason]). Its button lets the queue
 *   go on.
 * - Tasks were interrupted by the end of the application: how many. Its button runs them again.
 *
 * It is hidden where nothing of this is so, and for tasks of no queue. A window puts it above its list.
 *
 * # CSS nodes
 *
 * The banner is a `taskbanner`.
 */
struct _FerryTaskBanner
{
  GtkWidget parent_instance;

  GListModel *tasks;     /* (owned) (nullable) */
  FerryTaskTally *tally; /* (owned) (nullable) */
  GtkWidget *revealer;
  GtkWidget *label;
  GtkWidget *button;
  Offer offer;
  gboolean hides_damage; /* somebody has closed it */
};

enum
{
  PROP_TASKS = 1,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryTaskBanner, ferry_task_banner, GTK_TYPE_WIDGET)

/* ---- what is shown ---- */

/* What the queues of the tasks say together. */
typedef struct
{
  guint n_held; /* that wait in queues that are paused */
  guint n_interrupted;
  char *reason;      /* (owned) (nullable): of the first queue that is paused */
  GError *error;     /* (owned) (nullable): of the first one whose file cannot be written */
  GError *unstarted; /* (owned) (nullable): why no worker starts for the first one that waits for that */
  GError *damage;    /* (owned) (nullable): of the first one whose file was damaged */
} Say;

static void
say_clear (Say *self)
{
  g_clear_pointer (&self->reason, g_free);
  g_clear_error (&self->error);
  g_clear_error (&self->unstarted);
  g_clear_error (&self->damage);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Say, say_clear)

static void
ask_queue (GListModel *queue, gpointer data)
{
  Say *say = data;
  guint n_waiting, n_interrupted;
  gboolean paused;
  g_autofree char *reason = NULL;
  g_autoptr (GError) error = NULL, damage = NULL;

  g_object_get (queue, "paused", &paused, "reason", &reason, "n-waiting", &n_waiting, "n-interrupted", &n_interrupted,
                "error", &error, "damage", &damage, NULL);
  if (say->error == NULL)
    say->error = g_steal_pointer (&error);
  if (say->damage == NULL)
    say->damage = g_steal_pointer (&damage);
  say->n_interrupted += n_interrupted;
  if (!paused && n_waiting > 0 && say->unstarted == NULL)
    {
      g_autoptr (FerryExecutor) executor = NULL;

      g_object_get (queue, "executor", &executor, NULL);
      g_object_get (executor, "error", &say->unstarted, NULL);
    }
  if (!paused)
    return;
  say->n_held += n_waiting;
  if (say->reason == NULL)
    say->reason = g_steal_pointer (&reason);
}

static gboolean
is_gone (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

/* (transfer full): why the file cannot be written, and what to do. */
static char *
describe_error (const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return g_strdup (_ ("The disk is full, and no task is begun. Make room, and the tasks go on"));
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_READ_ONLY))
    return g_strdup (
      _ ("The file of the tasks is read-only, and no task is begun. Allow changes, and the tasks go on"));
  if (is_gone (error))
    return g_strdup (_ ("The file of the tasks was removed or replaced, and no task is begun"));
  return g_strdup_printf (_ ("No task is begun. %s"), error->message);
}

static Offer
find_offer (FerryTaskBanner *self, const Say *say)
{
  if (say->error != NULL)
    return is_gone (say->error) ? OFFER_TRY_AGAIN : OFFER_NOTHING;
  if (say->unstarted != NULL)
    return OFFER_TRY_AGAIN;
  if (say->damage != NULL && !self->hides_damage)
    return OFFER_CLOSE;
  return say->n_held > 0 ? OFFER_GO_ON : say->n_interrupted > 0 ? OFFER_RUN_AGAIN : OFFER_NOTHING;
}

/* (transfer full) (nullable) */
static char *
find_words (Offer offer, const Say *say)
{
  g_autofree char *held = NULL;

  if (say->error != NULL)
    return describe_error (say->error);
  if (say->unstarted != NULL)
    return g_strdup (ferry_task_words_for_unstarted (say->unstarted));
  if (offer == OFFER_NOTHING)
    return NULL;
  if (offer == OFFER_CLOSE && g_error_matches (say->damage, G_IO_ERROR, G_IO_ERROR_EXISTS))
    return g_strdup (_ ("The file of the tasks was written anew. What was in its place lies beside it"));
  if (offer == OFFER_CLOSE)
    return g_strdup (
      _ ("The file of the tasks was damaged. The tasks here are whole; add those again that are missing"));
  if (offer == OFFER_RUN_AGAIN)
    return g_strdup_printf (
      ferry_gtk_ngettext ("%u task was interrupted", "%u tasks were interrupted", say->n_interrupted),
      say->n_interrupted);
  held = g_strdup_printf (ferry_gtk_ngettext ("%u task waits", "%u tasks wait", say->n_held), say->n_held);
  return g_strconcat (say->reason != NULL ? say->reason : _ ("The queue is paused"), FERRY_TASK_WORDS_SEPARATOR, held,
                      NULL);
}

/* (nullable): for who wants to know more. */
static const char *
find_cause (Offer offer, const Say *say)
{
  if (say->error == NULL && say->unstarted != NULL)
    return say->unstarted->message;
  return offer == OFFER_CLOSE ? say->damage->message : NULL;
}

static void
show (FerryTaskBanner *self)
{
  static const char *const labels[] = {NULL, N_ ("_Close"), N_ ("_Go On"), N_ ("_Run Again"), N_ ("_Try Again")};
  g_auto (Say) say = {0};
  g_autofree char *words = NULL;
  const char *tooltip;
  gboolean was_revealed = gtk_revealer_get_reveal_child (GTK_REVEALER (self->revealer));

  if (self->tally != NULL)
    ferry_task_tally_visit_queues (self->tally, ask_queue, &say);
  self->offer = find_offer (self, &say);
  words = find_words (self->offer, &say);
  if (words != NULL)
    gtk_label_set_text (GTK_LABEL (self->label), words);
  if (self->offer != OFFER_NOTHING)
    gtk_button_set_label (GTK_BUTTON (self->button), _ (labels[self->offer]));
  gtk_widget_set_visible (self->button, self->offer != OFFER_NOTHING);
  tooltip = find_cause (self->offer, &say);
  /* GTK asks the display where the pointer is. */
  if (g_strcmp0 (gtk_widget_get_tooltip_text (self->label), tooltip) != 0)
    gtk_widget_set_tooltip_text (self->label, tooltip);
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->revealer), words != NULL);
  gtk_widget_set_visible (self->revealer, words != NULL);
  if (words != NULL && !was_revealed && gtk_widget_get_mapped (GTK_WIDGET (self)))
    ferry_announce (GTK_WIDGET (self), NULL, words);
}

/* ---- the button ---- */

static void
list_interrupted (GListModel *queue, gpointer data)
{
  guint n_items = g_list_model_get_n_items (queue);

  for (guint i = 0; i < n_items; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (queue, i);

      if (ferry_task_get_done (task) &&
          g_error_matches (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_INTERRUPTED))
        g_ptr_array_add (data, g_steal_pointer (&task));
    }
}

static void
clicked_cb (FerryTaskBanner *self)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->offer == OFFER_GO_ON)
    {
      ferry_task_tally_let_queues_go_on (self->tally);
      return;
    }
  if (self->offer == OFFER_TRY_AGAIN)
    {
      ferry_task_tally_try_queues_again (self->tally);
      return;
    }
  if (self->offer == OFFER_CLOSE)
    {
      self->hides_damage = TRUE;
      show (self);
      return;
    }
  ferry_task_tally_visit_queues (self->tally, list_interrupted, tasks);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];

      if (ferry_task_run_again (task, ferry_task_tally_find_executor (self->tally, task), NULL) == NULL)
        gtk_widget_error_bell (GTK_WIDGET (self));
    }
}

/* ---- the object ---- */

static void
set_tasks (FerryTaskBanner *self, GListModel *tasks)
{
  if (!g_set_object (&self->tasks, tasks))
    return;
  g_clear_object (&self->tally);
  if (tasks != NULL)
    {
      self->tally = ferry_task_tally_new (tasks);
      g_signal_connect_object (self->tally, "changed", G_CALLBACK (show), self, G_CONNECT_SWAPPED);
    }
  show (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TASKS]);
}

static void
ferry_task_banner_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_TASKS)
    g_value_set_object (value, FERRY_TASK_BANNER (object)->tasks);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_task_banner_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_TASKS)
    set_tasks (FERRY_TASK_BANNER (object), g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_task_banner_dispose (GObject *object)
{
  FerryTaskBanner *self = FERRY_TASK_BANNER (object);

  g_clear_object (&self->tally);
  g_clear_object (&self->tasks);
  g_clear_pointer (&self->revealer, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_task_banner_parent_class)->dispose (object);
}

static void
ferry_task_banner_class_init (FerryTaskBannerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_task_banner_get_property;
  object_class->set_property = ferry_task_banner_set_property;
  object_class->dispose = ferry_task_banner_dispose;
  /**
   * FerryTaskBanner:tasks:
   *
   * The tasks, as a list has them: a queue, or several in a [class@Gtk.FlattenListModel]; %NULL for none.
   */
  properties[PROP_TASKS] = g_param_spec_object ("tasks", NULL, NULL, G_TYPE_LIST_MODEL,
                                                G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "taskbanner");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
ferry_task_banner_init (FerryTaskBanner *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  ferry_look_ensure_styles (GTK_WIDGET (self));
  self->label = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR, "xalign", 0.0F,
                              "hexpand", TRUE, NULL);
  self->button = ferry_look_make_button (_ ("_Run Again"));
  gtk_widget_set_valign (self->button, GTK_ALIGN_CENTER);
  g_signal_connect_object (self->button, "clicked", G_CALLBACK (clicked_cb), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), self->label);
  gtk_box_append (GTK_BOX (box), self->button);
  self->revealer = gtk_revealer_new ();
  gtk_revealer_set_child (GTK_REVEALER (self->revealer), box);
  gtk_widget_set_visible (self->revealer, FALSE);
  gtk_widget_set_parent (self->revealer, GTK_WIDGET (self));
}

/**
 * ferry_task_banner_new:
 * @tasks: (nullable) (transfer none): a queue, or another list model of tasks
 *
 * Makes a banner. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer floating): a new banner
 */
GtkWidget *
ferry_task_banner_new (GListModel *tasks)
{
  g_return_val_if_fail (tasks == NULL || G_IS_LIST_MODEL (tasks), NULL);

  return g_object_new (FERRY_TYPE_TASK_BANNER, "tasks", tasks, NULL);
}
