/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list model with delay. See ferry-task-list-private.h.
 *
 * A list view has hundreds of rows to look at for each change of its model, so a thousand changes a second are more
 * than it can follow. What is gathered until the next frame is a change or two.
 *
 * Threads:    the one that runs GTK.
 * Invariants: the items that were told are kept, also when the model has them no more. Where the model is another, is
 *             a list of parts, which rise and do not touch: each says which of the told items have become how many. */

#include "config.h"

#include "gtk/ferry-task-list-private.h"

#include <string.h>

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
  GPtrArray *told;   /* (element-type GObject) (owned) */
  GArray *parts;     /* (element-type Part) */
  gboolean is_telling;
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
  gboolean is_empty = self->told->len == 0 || g_list_model_get_n_items (self->model) == 0;

  gather (self, position, removed, added);
  if (self->is_immediate)
    ferry_task_pace_tell (self);
  else if ((is_first || is_empty) && !self->is_telling)
    self->due (self->data);
}

/* ---- telling ---- */

/* (transfer full): the items that the part has become. before: as above. */
static GPtrArray *
read_items (FerryTaskPace *self, const Part *part, guint before)
{
  GPtrArray *items = g_ptr_array_new_full (part->n_now, NULL);

  for (guint i = 0; i < part->n_now; i++)
    g_ptr_array_add (items, g_list_model_get_item (self->model, part->start + before + i));
  return items;
}

/* Takes the items. */
static void
replace (FerryTaskPace *self, const Part *part, GPtrArray *items)
{
  guint length = self->told->len;

  for (guint i = 0; i < part->n_told; i++)
    g_object_unref (g_ptr_array_index (self->told, part->start + i));
  if (part->n_now > part->n_told)
    g_ptr_array_set_size (self->told, (int) (length + part->n_now - part->n_told));
  if (length > part->start + part->n_told)
    memmove (self->told->pdata + part->start + part->n_now, self->told->pdata + part->start + part->n_told,
             (length - part->start - part->n_told) * sizeof (gpointer));
  if (part->n_now < part->n_told)
    g_ptr_array_set_size (self->told, (int) (length + part->n_now - part->n_told));
  if (items->len > 0)
    memcpy (self->told->pdata + part->start, items->pdata, items->len * sizeof (gpointer));
  g_ptr_array_unref (items);
}

void
ferry_task_pace_tell (FerryTaskPace *self)
{
  g_autoptr (GArray) parts = NULL;
  g_autoptr (GPtrArray) all = NULL;
  guint before = 0;

  if (self->parts->len == 0 || self->is_telling)
    return;
  self->is_telling = TRUE;
  parts = g_steal_pointer (&self->parts);
  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  all = g_ptr_array_new ();
  for (guint i = 0; i < parts->len; i++)
    {
      const Part *part = &g_array_index (parts, Part, i);

      g_ptr_array_add (all, read_items (self, part, before));
      before += part->n_now - part->n_told;
    }
  /* From the end, so that the places of those before hold. */
  for (guint i = parts->len; i > 0; i--)
    {
      const Part *part = &g_array_index (parts, Part, i - 1);

      replace (self, part, g_ptr_array_index (all, i - 1));
      if (part->n_told + part->n_now > 0)
        g_list_model_items_changed (G_LIST_MODEL (self), part->start, part->n_told, part->n_now);
    }
  self->is_telling = FALSE;
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
  return FERRY_TASK_PACE (model)->told->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryTaskPace *self = FERRY_TASK_PACE (model);

  return position < self->told->len ? g_object_ref (g_ptr_array_index (self->told, position)) : NULL;
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
  G_OBJECT_CLASS (ferry_task_pace_parent_class)->dispose (object);
}

static void
ferry_task_pace_finalize (GObject *object)
{
  FerryTaskPace *self = FERRY_TASK_PACE (object);

  g_ptr_array_foreach (self->told, (GFunc) (void (*) (void)) g_object_unref, NULL);
  g_ptr_array_unref (self->told);
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
  self->told = g_ptr_array_new ();
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
  Part all = {0, self->told->len, model != NULL ? g_list_model_get_n_items (model) : 0};

  if (self->model == model)
    return;
  forget_model (self);
  g_set_object (&self->model, model);
  if (model != NULL)
    g_signal_connect_object (model, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  g_array_append_val (self->parts, all);
  ferry_task_pace_tell (self);
}
