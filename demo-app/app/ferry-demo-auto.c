/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-auto.h"

#include <stdio.h>
#include <string.h>

#include "pictures/ferry-demo-thumbnail.h"

/* A worker that says nothing for so long, though it should not hang, will not come back. This only ends a hang: a
 * worker that gets little of a busy machine has long ended its silence. */
#define PATIENCE_SECONDS 600.0

struct _FerryDemoAuto
{
  GObject parent_instance;

  FerryDemoSession *session;
  GPtrArray *tasks; /* (element-type FerryTask) */
  guint n_over;
  gboolean awaits_pictures;
  gboolean started;
  gboolean failed;
};

typedef enum
{
  SIGNAL_FINISHED,
  N_SIGNALS
} FerryDemoAutoSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoAuto, ferry_demo_auto, G_TYPE_OBJECT)

static FerryDemoCard *
get_card (FerryDemoAuto *self, guint index)
{
  return ferry_demo_card_get (g_ptr_array_index (self->tasks, index));
}

static gboolean
is_as_expected (FerryDemoCard *card)
{
  FerryTaskStatus state = ferry_demo_card_get_status (card);

  switch (ferry_demo_card_get_spec (card)->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      return state == FERRY_TASK_STATUS_DONE && ferry_demo_card_get_report (card)->problems == 0;
    case FERRY_DEMO_KIND_PRIMES:
    case FERRY_DEMO_KIND_FLOOD:
      return state == FERRY_TASK_STATUS_DONE;
    case FERRY_DEMO_KIND_CRASH:
      return state == FERRY_TASK_STATUS_CRASHED;
    case FERRY_DEMO_KIND_HANG:
      return state == FERRY_TASK_STATUS_CANCELLED;
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

static double
get_seconds (FerryDemoCard *card, const char *property)
{
  gint64 time;

  g_object_get (ferry_demo_card_get_monitor (card), property, &time, NULL);
  return (double) time / G_USEC_PER_SEC;
}

/* Numbers are printed bare here: this is for programs to read. */
static void
print_result (FerryDemoCard *card)
{
  const FerryDemoSpec *spec = ferry_demo_card_get_spec (card);
  const FerryDemoReport *report = ferry_demo_card_get_report (card);
  const guint64 *result = report->result;
  int number;

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      fwrite (report->listing->str, 1, report->listing->len, stdout);
      printf ("%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " bytes in %s\n", result[0], result[1], spec->argument);
      break;
    case FERRY_DEMO_KIND_PRIMES:
      printf ("%" G_GUINT64_FORMAT " primes up to %" G_GUINT64_FORMAT "\n", result[0], result[1]);
      break;
    case FERRY_DEMO_KIND_CRASH:
      number = ferry_exit_get_signal (ferry_task_get_exit (ferry_demo_card_get_task (card)));
      printf ("crash: %s (signal %d)\n", strsignal (number), number);
      break;
    case FERRY_DEMO_KIND_HANG:
      printf ("hang: cancelled after %.1f s without a message\n", get_seconds (card, "silence"));
      break;
    case FERRY_DEMO_KIND_FLOOD:
      printf ("flood: %" G_GUINT64_FORMAT " messages, complete and in order, %.0f messages/s\n", result[0],
              (double) result[0] / get_seconds (card, "elapsed"));
      break;
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

/* Of a job, or of all pictures. */
static void
take_end (FerryDemoAuto *self)
{
  if (fflush (stdout) != 0)
    self->failed = TRUE;
  if (ferry_demo_auto_is_finished (self))
    g_signal_emit (self, signals[SIGNAL_FINISHED], 0);
}

static void
print_pictures (FerryDemoThumbnails *thumbnails)
{
  GListModel *pictures = ferry_demo_thumbnails_get_pictures (thumbnails);

  for (guint i = 0; i < g_list_model_get_n_items (pictures); i++)
    {
      g_autoptr (FerryDemoThumbnail) picture = g_list_model_get_item (pictures, i);
      const char *reason = ferry_demo_thumbnail_get_reason (picture);

      if (reason != NULL)
        printf ("%s: %s\n", ferry_demo_thumbnail_get_path (picture), reason);
    }
  printf ("%u pictures in %s, %u cannot be shown\n", g_list_model_get_n_items (pictures),
          ferry_demo_thumbnails_get_folder (thumbnails), ferry_demo_thumbnails_get_n_broken (thumbnails));
}

/* A picture that cannot be shown is a result like any other. */
static void
pictures_changed_cb (FerryDemoAuto *self)
{
  FerryDemoThumbnails *thumbnails = ferry_demo_session_get_thumbnails (self->session);
  FerryDemoThumbnailsState state = ferry_demo_thumbnails_get_state (thumbnails);
  guint n_pictures = g_list_model_get_n_items (ferry_demo_thumbnails_get_pictures (thumbnails));

  if (!self->awaits_pictures)
    return;
  if (state == FERRY_DEMO_THUMBNAILS_STATE_FAILED)
    {
      fprintf (stderr, "ferry-demo: pictures: %s\n", ferry_demo_thumbnails_get_reason (thumbnails));
      self->failed = TRUE;
    }
  else if (state == FERRY_DEMO_THUMBNAILS_STATE_LISTED && ferry_demo_thumbnails_get_n_tried (thumbnails) == n_pictures)
    print_pictures (thumbnails);
  else
    return;
  self->awaits_pictures = FALSE;
  take_end (self);
}

static void
finish_task (FerryDemoAuto *self, FerryDemoCard *card)
{
  g_autofree char *state = NULL;
  g_autofree char *detail = NULL;

  if (is_as_expected (card))
    print_result (card);
  else
    {
      g_object_get (ferry_demo_card_get_monitor (card), "state-text", &state, "detail", &detail, NULL);
      fprintf (stderr, "ferry-demo: %s: %s: %s\n", ferry_task_get_name (ferry_demo_card_get_task (card)), state,
               detail);
      self->failed = TRUE;
    }

  self->n_over++;
  take_end (self);
}

static void
status_cb (FerryDemoAuto *self, GParamSpec *pspec, FerryTaskMonitor *monitor)
{
  g_autoptr (FerryTask) task = NULL;
  FerryDemoCard *card;

  g_object_get (monitor, "task", &task, NULL);
  card = ferry_demo_card_get (task);
  if (ferry_demo_card_is_over (card))
    finish_task (self, card);
  else if (ferry_demo_card_get_status (card) == FERRY_TASK_STATUS_STALLED &&
           ferry_demo_card_get_spec (card)->kind == FERRY_DEMO_KIND_HANG)
    ferry_task_cancel (ferry_demo_card_get_task (card));
}

static void
turned_cb (FerryDemoAuto *self)
{
  for (guint i = 0; i < self->tasks->len; i++)
    {
      FerryDemoCard *card = get_card (self, i);

      if (ferry_demo_card_get_status (card) == FERRY_TASK_STATUS_STALLED &&
          get_seconds (card, "silence") > PATIENCE_SECONDS)
        ferry_task_cancel (ferry_demo_card_get_task (card));
    }
}

static void
ferry_demo_auto_dispose (GObject *object)
{
  FerryDemoAuto *self = FERRY_DEMO_AUTO (object);

  g_clear_pointer (&self->tasks, g_ptr_array_unref);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (ferry_demo_auto_parent_class)->dispose (object);
}

static void
ferry_demo_auto_class_init (FerryDemoAutoClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_demo_auto_dispose;

  signals[SIGNAL_FINISHED] =
    g_signal_new ("finished", FERRY_DEMO_TYPE_AUTO, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_auto_init (FerryDemoAuto *self)
{
  self->tasks = g_ptr_array_new_with_free_func (g_object_unref);
}

FerryDemoAuto *
ferry_demo_auto_new (FerryDemoSession *session)
{
  FerryDemoAuto *self = g_object_new (FERRY_DEMO_TYPE_AUTO, NULL);

  self->session = g_object_ref (session);
  return self;
}

/* Submits a task for each of the specs. */
void
ferry_demo_auto_start (FerryDemoAuto *self, GPtrArray *specs, gboolean with_pictures)
{
  g_return_if_fail (!self->started);

  for (guint i = 0; i < specs->len; i++)
    {
      FerryTask *task = ferry_demo_session_add (self->session, g_ptr_array_index (specs, i));

      if (task != NULL)
        g_ptr_array_add (self->tasks, g_object_ref (task));
      else
        self->failed = TRUE;
    }
  self->awaits_pictures = with_pictures;
  self->started = TRUE;

  g_signal_connect_object (self->session, "turned", G_CALLBACK (turned_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (ferry_demo_session_get_thumbnails (self->session), "changed",
                           G_CALLBACK (pictures_changed_cb), self, G_CONNECT_SWAPPED);
  for (guint i = 0; i < self->tasks->len; i++)
    {
      FerryDemoCard *card = get_card (self, i);

      g_signal_connect_object (ferry_demo_card_get_monitor (card), "notify::status", G_CALLBACK (status_cb), self,
                               G_CONNECT_SWAPPED);
      if (ferry_demo_card_is_over (card))
        finish_task (self, card);
    }
}

gboolean
ferry_demo_auto_is_finished (FerryDemoAuto *self)
{
  return self->started && self->n_over == self->tasks->len && !self->awaits_pictures;
}

gboolean
ferry_demo_auto_is_success (FerryDemoAuto *self)
{
  return ferry_demo_auto_is_finished (self) && !self->failed;
}

/* How much a picture taken now would show. It shows tasks in mid-work beside those that wait and those that ended well
 * and badly, with figures below. 0 is a picture that is only taken when there is no better one. */
guint
ferry_demo_auto_get_score (FerryDemoAuto *self)
{
  const FerryDemoReading *reading = ferry_demo_session_get_reading (self->session);
  gboolean has_state[FERRY_TASK_STATUS_FAILED + 1] = {FALSE};
  guint n_states = 0, n_moving = 0;

  for (guint i = 0; i < self->tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (self->tasks, i);
      FerryTaskStatus state = ferry_demo_card_get_status (get_card (self, i));
      double fraction = ferry_task_get_fraction (task);

      has_state[state] = TRUE;
      n_moving += state == FERRY_TASK_STATUS_RUNNING && fraction > 0.2 && fraction < 0.95;
    }

  if (n_moving == 0)
    return 0;
  for (guint i = 0; i < G_N_ELEMENTS (has_state); i++)
    n_states += has_state[i];
  return 4 * n_states + 2 * (MIN (n_moving, 3) + (reading->has_latency != FALSE)) +
         (reading->messages_per_second > 1e5);
}
