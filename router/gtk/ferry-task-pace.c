/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gathers the changes of a list model until the next frame, as a view cannot follow a thousand a second.
 *
 * A list view has hundreds of rows to look at for each change of its model, so a thousand changes a second are more
 * than it can follow. What is gathered until the next frame is a change or two.
 *
 * Threads:    the one that runs GTK.
 * Invariants: no item is kept, as a hundred thousand tasks in a file are none until somebody looks at them. Where the
 *             model is another than was told, is a list of parts, which rise and do not touch: each says which of the
 *             told items have become how many. In a part, nobody knows any more which item was told. Whoever looks for
 *             one there, as when a list is scrolled to rows that are about to leave it, gets another one until the next
 *             frames tell. */

#include "config.h"

#include "gtk/ferry-task-pace-private.h"

#include <ferry.h>

/* Parts with fewer items between them become one. A view finds the items between again by themselves. */
#define NEAR 32

/* With more parts all become one. */
#define MOST_PARTS 64

typedef struct
{
  guint start;  /* the first item, in what was told */
  guint n_told; /* how many items of that */
  guint n_now;  /* how many items of the model they have become */
} Part;

struct _FerryTaskPace
{
  GObject parent_instance;

  GListModel *model; /* (nullable) (owned) */
  guint n_told;      /* how many items were told */
  GArray *parts;     /* (element-type Part): since all was told, or since what is being told was gathered */
  GArray *telling;   /* (element-type Part) (nullable): those that are being told, and were not yet */
  gboolean is_immediate;
  void (*due) (gpointer data);
  gpointer data;
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryTaskPace, ferry_task_pace, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static Part *
get_part (FerryTaskPace *self, guint i)
{
  return &g_array_index (self->parts, Part, i);
}

/* The place that an item has with the changes of the parts; G_MAXUINT for one that is in a part. */
static guint
find_place (const GArray *parts, guint position)
{
  guint place = position;

  for (guint i = 0; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);

      if (position < part->start)
        break;
      if (position < part->start + part->n_told)
        return G_MAXUINT;
      place += part->n_now - part->n_told;
    }
  return place;
}

/* ---- what is gathered ---- */

/* Takes the parts from first on, n of them, into one with the change, which is one of the model as it was before.
 * before: how many items more the model has than was told, in the parts before. */
static void
merge (FerryTaskPace *self, guint first, guint n, guint before, guint position, guint removed, guint added)
{
  guint start = position, end = position + removed, after = before;
  Part merged;

  for (guint i = first; i < first + n; i++)
    {
      Part *part = get_part (self, i);

      start = MIN (start, part->start + after);
      end = MAX (end, part->start + after + part->n_now);
      after += part->n_now - part->n_told;
    }
  merged.start = start - before;
  merged.n_told = end - after - merged.start;
  merged.n_now = end - start - removed + added;
  g_array_remove_range (self->parts, first, n);
  g_array_insert_val (self->parts, first, merged);
}

static void
gather (FerryTaskPace *self, guint position, guint removed, guint added)
{
  guint first = 0, n = 0, before = 0, offset;

  while (first < self->parts->len)
    {
      Part *part = get_part (self, first);

      if (part->start + before + part->n_now + NEAR >= position)
        break;
      before += part->n_now - part->n_told;
      first++;
    }
  offset = before;
  while (first + n < self->parts->len)
    {
      Part *part = get_part (self, first + n);

      if (part->start + offset > position + removed + NEAR)
        break;
      offset += part->n_now - part->n_told;
      n++;
    }
  merge (self, first, n, before, position, removed, added);
  if (self->parts->len > MOST_PARTS)
    merge (self, 0, self->parts->len, 0, get_part (self, 0)->start, 0, 0);
}

static void
items_changed_cb (FerryTaskPace *self, guint position, guint removed, guint added)
{
  gboolean is_first = self->parts->len == 0;
  gboolean is_empty = self->n_told == 0 || g_list_model_get_n_items (self->model) == 0;

  gather (self, position, removed, added);
  if (self->is_immediate)
    ferry_task_pace_tell (self);
  else if ((is_first || is_empty) && self->telling == NULL)
    self->due (self->data);
}

/* ---- telling ---- */

void
ferry_task_pace_tell (FerryTaskPace *self)
{
  if (self->parts->len == 0 || self->telling != NULL)
    return;
  self->telling = g_steal_pointer (&self->parts);
  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  /* From the end, so that the places of those before hold. */
  while (self->telling->len > 0)
    {
      const Part part = g_array_index (self->telling, Part, self->telling->len - 1);

      g_array_set_size (self->telling, self->telling->len - 1);
      self->n_told += part.n_now - part.n_told;
      if (part.n_told + part.n_now > 0)
        g_list_model_items_changed (G_LIST_MODEL (self), part.start, part.n_told, part.n_now);
    }
  g_clear_pointer (&self->telling, g_array_unref);
  if (self->parts->len > 0)
    self->due (self->data);
}

void
ferry_task_pace_set_immediate (FerryTaskPace *self, gboolean is_immediate)
{
  ferry_task_pace_tell (self);
  self->is_immediate = is_immediate;
}

/* ---- the object ---- */

static GType
get_item_type (GListModel *model)
{
  return G_TYPE_OBJECT;
}

static guint
get_n_items (GListModel *model)
{
  return FERRY_TASK_PACE (model)->n_told;
}

/* (transfer full): in place of an item that is not known any more. A view wants each item to be another. */
static FerryTask *
make_stand_in (void)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "gone", NULL);

  g_object_set (task, "name", "...", NULL);
  return task;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryTaskPace *self = FERRY_TASK_PACE (model);
  guint place = position;

  if (position >= self->n_told)
    return NULL;
  if (self->telling != NULL)
    place = find_place (self->telling, place);
  if (place != G_MAXUINT)
    place = find_place (self->parts, place);
  return place != G_MAXUINT ? g_list_model_get_item (self->model, place) : make_stand_in ();
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
forget_model (FerryTaskPace *self)
{
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  g_clear_object (&self->model);
  g_array_set_size (self->parts, 0);
}

static void
ferry_task_pace_dispose (GObject *object)
{
  forget_model (FERRY_TASK_PACE (object));
  FERRY_TASK_PACE (object)->n_told = 0;
  G_OBJECT_CLASS (ferry_task_pace_parent_class)->dispose (object);
}

static void
ferry_task_pace_finalize (GObject *object)
{
  FerryTaskPace *self = FERRY_TASK_PACE (object);

  g_array_unref (self->parts);
  G_OBJECT_CLASS (ferry_task_pace_parent_class)->finalize (object);
}

static void
ferry_task_pace_class_init (FerryTaskPaceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_task_pace_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_task_pace_finalize;
}

static void
ferry_task_pace_init (FerryTaskPace *self)
{
  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
}

FerryTaskPace *
ferry_task_pace_new (void (*due) (gpointer data), gpointer data)
{
  FerryTaskPace *self = g_object_new (FERRY_TYPE_TASK_PACE, NULL);

  self->due = due;
  self->data = data;
  return self;
}

void
ferry_task_pace_set_model (FerryTaskPace *self, GListModel *model)
{
  Part all = {0, self->n_told, model != NULL ? g_list_model_get_n_items (model) : 0};

  if (self->model == model)
    return;
  forget_model (self);
  g_set_object (&self->model, model);
  if (model != NULL)
    g_signal_connect_object (model, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  g_array_append_val (self->parts, all);
  ferry_task_pace_tell (self);
}
