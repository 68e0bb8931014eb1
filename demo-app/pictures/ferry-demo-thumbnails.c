/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Only a few pictures are in the workers' hands at a time, and which come next is decided when one of them is done. So
 * a scroll waits for these few, and nothing has to be taken back. */

#include "pictures/ferry-demo-thumbnails.h"

#include <glib/gi18n.h>

#include "pictures/ferry-demo-thumbnail-folder.h"
#include "pictures/ferry-demo-thumbnail.h"
#include "pictures/ferry-demo-thumbnailer.h"

/* One that is decoded, and others that lie ready for the time until the application hears of that. */
#define PICTURES_PER_WORKER 3

/* Thumbnails that are kept: 160 × 160 pixels take 100 kB at most. */
#define KEEP 600

/* Pictures before and after those to be seen, which are decoded next, and never dropped. */
#define NEAR 100

struct _FerryDemoThumbnails
{
  GObject parent_instance;

  guint max_workers;

  FerryDemoThumbnailsState state;
  char *reason;           /* (nullable) */
  char *folder;           /* (nullable) */
  GCancellable *listing;  /* (nullable): the folder is being listed */
  GListStore *pictures;   /* (element-type FerryDemoThumbnail) */
  GPtrArray *by_position; /* (element-type FerryDemoThumbnail): the same, quicker */

  FerryDemoThumbnailer *thumbnailer;
  guint n_opened; /* folders: what is asked for belongs to one of them */
  gboolean started;
  gboolean active;
  gboolean stopped;

  guint first_visible;
  guint n_visible;
  guint next; /* all before it were tried, or are being so */
  guint n_decoding;
  guint n_tried;
  guint n_broken;
  guint64 n_decoded;
  GArray *kept; /* (element-type guint): positions of pictures that are shown, in order */
};

/* A picture in the workers' hands. */
typedef struct
{
  FerryDemoThumbnails *owner;  /* (owned) */
  FerryDemoThumbnail *picture; /* (owned) */
  guint position;
  guint folder; /* which one it is of: the answer may come when there is another one */
} Decoding;

typedef enum
{
  SIGNAL_CHANGED,
  N_SIGNALS
} FerryDemoThumbnailsSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoThumbnails, ferry_demo_thumbnails, G_TYPE_OBJECT)

static void schedule (FerryDemoThumbnails *self);

static void
decoding_free (Decoding *decoding)
{
  g_object_unref (decoding->owner);
  g_object_unref (decoding->picture);
  g_free (decoding);
}

static void
free_decoding_cb (gpointer data, GClosure *closure)
{
  decoding_free (data);
}

static void
say_changed (FerryDemoThumbnails *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static FerryDemoThumbnail *
get_picture (FerryDemoThumbnails *self, guint position)
{
  return g_ptr_array_index (self->by_position, position);
}

/* ---- what is kept ---- */

static guint
get_near_begin (FerryDemoThumbnails *self)
{
  return self->first_visible - MIN (self->first_visible, NEAR);
}

static guint
get_near_end (FerryDemoThumbnails *self)
{
  return MIN (self->first_visible + self->n_visible + NEAR, self->by_position->len);
}

/* The place in the array of kept ones at which the position is, or is to be put. */
static guint
find_kept (FerryDemoThumbnails *self, guint position)
{
  guint low = 0, high = self->kept->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (self->kept, guint, middle) < position)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static void
drop_kept (FerryDemoThumbnails *self, guint index)
{
  guint position = g_array_index (self->kept, guint, index);

  g_array_remove_index (self->kept, index);
  ferry_demo_thumbnail_wait (get_picture (self, position));
}

/* The one that is furthest from what is to be seen goes: it is the first or the last of all. */
static void
keep (FerryDemoThumbnails *self, guint position)
{
  guint near_begin = get_near_begin (self), near_end = get_near_end (self);
  guint first, last, before, behind;

  g_array_insert_val (self->kept, find_kept (self, position), position);
  if (self->kept->len <= KEEP)
    return;
  first = g_array_index (self->kept, guint, 0);
  last = g_array_index (self->kept, guint, self->kept->len - 1);
  before = near_begin - MIN (near_begin, first);
  behind = last + 1 - MIN (near_end, last + 1);
  if (before > 0 || behind > 0)
    drop_kept (self, before > behind ? 0 : self->kept->len - 1);
}

/* ---- what comes next ---- */

static gboolean
find_waiting (FerryDemoThumbnails *self, guint begin, guint end, guint *position)
{
  for (*position = begin; *position < end; ++*position)
    if (ferry_demo_thumbnail_get_state (get_picture (self, *position)) == FERRY_DEMO_THUMBNAIL_STATE_WAITING)
      return TRUE;
  return FALSE;
}

static gboolean
find_untried (FerryDemoThumbnails *self, guint *position)
{
  for (; self->next < self->by_position->len; self->next++)
    {
      FerryDemoThumbnail *picture = get_picture (self, self->next);

      if (!ferry_demo_thumbnail_is_tried (picture) &&
          ferry_demo_thumbnail_get_state (picture) == FERRY_DEMO_THUMBNAIL_STATE_WAITING)
        {
          *position = self->next;
          return TRUE;
        }
    }
  return FALSE;
}

static gboolean
find_next (FerryDemoThumbnails *self, guint *position)
{
  guint n_pictures = self->by_position->len;
  guint first = MIN (self->first_visible, n_pictures);
  guint behind = MIN (first + self->n_visible, n_pictures);

  return find_waiting (self, first, behind, position) || find_waiting (self, behind, get_near_end (self), position) ||
         find_waiting (self, get_near_begin (self), first, position) || find_untried (self, position);
}

/* ---- what is in the workers' hands ---- */

static void
fail (FerryDemoThumbnails *self, const char *reason)
{
  g_free (self->reason);
  self->reason = g_strdup (reason);
  self->state = FERRY_DEMO_THUMBNAILS_STATE_FAILED;
}

static void
put_back (FerryDemoThumbnails *self, const Decoding *decoding)
{
  self->next = MIN (self->next, decoding->position);
  ferry_demo_thumbnail_wait (decoding->picture);
}

static void
take_broken (FerryDemoThumbnails *self, const Decoding *decoding, const char *reason)
{
  /* One that was shown before counts once. */
  if (!ferry_demo_thumbnail_is_tried (decoding->picture))
    self->n_tried++;
  self->n_broken++;
  ferry_demo_thumbnail_break (decoding->picture, reason);
}

static void
take_texture (FerryDemoThumbnails *self, const Decoding *decoding, GdkTexture *texture)
{
  if (!ferry_demo_thumbnail_is_tried (decoding->picture))
    self->n_tried++;
  self->n_decoded++;
  ferry_demo_thumbnail_show (decoding->picture, texture);
  keep (self, decoding->position);
}

/* Where no worker can be started it is not for the picture to blame. */
static void
take_end (FerryDemoThumbnails *self, const Decoding *decoding, FerryTask *task)
{
  const char *failure = ferry_demo_thumbnailer_get_failure (self->thumbnailer);
  g_autoptr (GdkTexture) texture = NULL;
  FerryExit *ended = ferry_task_get_exit (task);

  switch (ferry_task_get_state (task))
    {
    case FERRY_TASK_STATE_COMPLETED:
      texture = ferry_demo_thumbnailer_make_texture (task);
      if (texture != NULL)
        take_texture (self, decoding, texture);
      else
        take_broken (self, decoding,
                     _ ("The worker gave no picture; check that FERRY_DEMO_WORKER names the demo's own"));
      break;
    case FERRY_TASK_STATE_FAILED:
      if (failure != NULL && ended == NULL)
        {
          fail (self, failure);
          put_back (self, decoding);
        }
      else
        take_broken (self, decoding,
                     ended != NULL ? ferry_exit_get_message (ended) : ferry_task_get_error (task)->message);
      break;
    case FERRY_TASK_STATE_CANCELLED:
      put_back (self, decoding);
      break;
    case FERRY_TASK_STATE_WAITING:
    case FERRY_TASK_STATE_EXECUTING:
    case FERRY_TASK_STATE_CANCELLING:
    default:
      g_assert_not_reached ();
    }
}

static void
done_cb (FerryTask *task, gpointer user_data)
{
  const Decoding *decoding = user_data;
  FerryDemoThumbnails *self = decoding->owner;

  if (decoding->folder != self->n_opened)
    return;
  self->n_decoding--;
  take_end (self, decoding, task);
  schedule (self);
  say_changed (self);
}

static Decoding *
decoding_new (FerryDemoThumbnails *self, guint position)
{
  Decoding *decoding = g_new (Decoding, 1);

  *decoding = (Decoding){.owner = g_object_ref (self),
                         .picture = g_object_ref (get_picture (self, position)),
                         .position = position,
                         .folder = self->n_opened};
  return decoding;
}

static void
begin (FerryDemoThumbnails *self, guint position)
{
  Decoding *decoding = decoding_new (self, position);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;

  ferry_demo_thumbnail_decode (decoding->picture);
  task =
    ferry_demo_thumbnailer_make_task (self->thumbnailer, ferry_demo_thumbnail_get_path (decoding->picture), &error);
  if (task == NULL)
    {
      take_broken (self, decoding, error->message);
      decoding_free (decoding);
      return;
    }
  g_signal_connect_data (task, "done", G_CALLBACK (done_cb), decoding, free_decoding_cb, 0);
  self->n_decoding++;
  if (ferry_demo_thumbnailer_submit (self->thumbnailer, task, &error))
    return;
  self->n_decoding--;
  put_back (self, decoding);
  fail (self, error->message);
}

static void
schedule (FerryDemoThumbnails *self)
{
  guint n_tried = self->n_tried;
  guint position;

  while (self->active && self->state == FERRY_DEMO_THUMBNAILS_STATE_LISTED &&
         self->n_decoding < self->max_workers * PICTURES_PER_WORKER && find_next (self, &position))
    begin (self, position);
  if (self->n_tried != n_tried)
    say_changed (self);
}

/* ---- folders ---- */

static void
forget_folder (FerryDemoThumbnails *self)
{
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  self->n_opened++;
  if (self->n_decoding > 0)
    ferry_demo_thumbnailer_cancel_all (self->thumbnailer);

  g_clear_pointer (&self->reason, g_free);
  g_list_store_remove_all (self->pictures);
  g_ptr_array_set_size (self->by_position, 0);
  g_array_set_size (self->kept, 0);
  self->first_visible = self->n_visible = 0;
  self->next = self->n_decoding = self->n_tried = self->n_broken = 0;
}

static gboolean
start_workers (FerryDemoThumbnails *self, GError **error)
{
  if (!self->started)
    self->started = ferry_demo_thumbnailer_start (self->thumbnailer, error);
  return self->started;
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FerryDemoThumbnails) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = ferry_demo_thumbnail_folder_list_finish (G_FILE (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  g_clear_object (&self->listing);
  if (found == NULL || !start_workers (self, &error))
    fail (self, error->message);
  else
    {
      self->state = FERRY_DEMO_THUMBNAILS_STATE_LISTED;
      g_ptr_array_extend (self->by_position, found, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
      g_list_store_splice (self->pictures, 0, 0, found->pdata, found->len);
      schedule (self);
    }
  say_changed (self);
}

void
ferry_demo_thumbnails_open (FerryDemoThumbnails *self, const char *folder)
{
  g_autoptr (GFile) file = g_file_new_for_path (folder);
  g_autofree char *owned = g_strdup (folder);

  g_return_if_fail (!self->stopped);

  forget_folder (self);
  g_free (self->folder);
  self->folder = g_steal_pointer (&owned);
  self->state = FERRY_DEMO_THUMBNAILS_STATE_LISTING;
  self->listing = g_cancellable_new ();
  ferry_demo_thumbnail_folder_list_async (file, self->listing, listed_cb, g_object_ref (self));
  say_changed (self);
}

/* ---- the object itself ---- */

static void
ferry_demo_thumbnails_dispose (GObject *object)
{
  FerryDemoThumbnails *self = FERRY_DEMO_THUMBNAILS (object);

  g_clear_object (&self->listing);
  g_clear_object (&self->pictures);
  g_clear_object (&self->thumbnailer);
  G_OBJECT_CLASS (ferry_demo_thumbnails_parent_class)->dispose (object);
}

static void
ferry_demo_thumbnails_finalize (GObject *object)
{
  FerryDemoThumbnails *self = FERRY_DEMO_THUMBNAILS (object);

  g_ptr_array_unref (self->by_position);
  g_array_unref (self->kept);
  g_free (self->folder);
  g_free (self->reason);
  G_OBJECT_CLASS (ferry_demo_thumbnails_parent_class)->finalize (object);
}

static void
ferry_demo_thumbnails_class_init (FerryDemoThumbnailsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_demo_thumbnails_dispose;
  object_class->finalize = ferry_demo_thumbnails_finalize;

  signals[SIGNAL_CHANGED] =
    g_signal_new ("changed", FERRY_DEMO_TYPE_THUMBNAILS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_demo_thumbnails_init (FerryDemoThumbnails *self)
{
  self->pictures = g_list_store_new (FERRY_DEMO_TYPE_THUMBNAIL);
  self->by_position = g_ptr_array_new_with_free_func (g_object_unref);
  self->kept = g_array_new (FALSE, FALSE, sizeof (guint));
}

FerryDemoThumbnails *
ferry_demo_thumbnails_new (FerryRouter *router, const char *worker_path, guint max_workers)
{
  FerryDemoThumbnails *self = g_object_new (FERRY_DEMO_TYPE_THUMBNAILS, NULL);

  self->thumbnailer = ferry_demo_thumbnailer_new (router, worker_path, max_workers);
  self->max_workers = max_workers;
  return self;
}

void
ferry_demo_thumbnails_pause (FerryDemoThumbnails *self)
{
  self->active = FALSE;
  if (self->n_decoding > 0)
    ferry_demo_thumbnailer_cancel_all (self->thumbnailer);
}

/* A page that is shown again tries again, even when no worker could be started before. */
void
ferry_demo_thumbnails_resume (FerryDemoThumbnails *self)
{
  self->active = TRUE;
  if (self->state == FERRY_DEMO_THUMBNAILS_STATE_FAILED && self->by_position->len > 0)
    {
      ferry_demo_thumbnailer_revive (self->thumbnailer);
      g_clear_pointer (&self->reason, g_free);
      self->state = FERRY_DEMO_THUMBNAILS_STATE_LISTED;
      say_changed (self);
    }
  schedule (self);
}

void
ferry_demo_thumbnails_stop (FerryDemoThumbnails *self)
{
  self->active = FALSE;
  self->stopped = TRUE;
  forget_folder (self);
  self->state = FERRY_DEMO_THUMBNAILS_STATE_NO_FOLDER;
  if (!self->started)
    return;
  self->started = FALSE;
  ferry_demo_thumbnailer_end (self->thumbnailer);
}

void
ferry_demo_thumbnails_set_policy (FerryDemoThumbnails *self, FerrySandboxPolicy policy)
{
  ferry_demo_thumbnailer_set_policy (self->thumbnailer, policy);
}

void
ferry_demo_thumbnails_count_workers (FerryDemoThumbnails *self, guint *n_workers, guint *n_busy)
{
  g_object_get (ferry_demo_thumbnailer_get_pool (self->thumbnailer), "n-workers", n_workers, "n-busy", n_busy, NULL);
}

void
ferry_demo_thumbnails_kill_workers (FerryDemoThumbnails *self)
{
  ferry_demo_thumbnailer_kill_workers (self->thumbnailer);
}

void
ferry_demo_thumbnails_set_visible (FerryDemoThumbnails *self, guint first, guint n)
{
  self->first_visible = MIN (first, self->by_position->len);
  self->n_visible = MIN (n, self->by_position->len - self->first_visible);
  schedule (self);
}

GListModel *
ferry_demo_thumbnails_get_pictures (FerryDemoThumbnails *self)
{
  return G_LIST_MODEL (self->pictures);
}

FerryDemoThumbnailsState
ferry_demo_thumbnails_get_state (FerryDemoThumbnails *self)
{
  return self->state;
}

const char *
ferry_demo_thumbnails_get_reason (FerryDemoThumbnails *self)
{
  return self->reason;
}

const char *
ferry_demo_thumbnails_get_folder (FerryDemoThumbnails *self)
{
  return self->folder;
}

guint
ferry_demo_thumbnails_get_n_tried (FerryDemoThumbnails *self)
{
  return self->n_tried;
}

guint
ferry_demo_thumbnails_get_n_broken (FerryDemoThumbnails *self)
{
  return self->n_broken;
}

guint
ferry_demo_thumbnails_get_n_kept (FerryDemoThumbnails *self)
{
  return self->kept->len;
}

guint64
ferry_demo_thumbnails_get_n_decoded (FerryDemoThumbnails *self)
{
  return self->n_decoded;
}

guint
ferry_demo_thumbnails_get_n_decoding (FerryDemoThumbnails *self)
{
  return self->n_decoding;
}
