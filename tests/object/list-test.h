/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A remote list with a subscription and answers that come when the test says so, and a replica of it with a witness.
 *
 * The list has numbers, none of them twice. What it tells stays in a queue, each thing with what is to be seen of it.
 * The witness applies `items-changed` to an array of its own and checks that each is one that was told, that rows stay
 * the same objects in their moved places, and that a row which is loaded has the number of its place. */

#pragma once

#include "ferry-test.h"

#include "object/ferry-list-replica-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 revision;
  guint64 position;
  guint64 n_removed;
  GArray *added; /* (element-type guint64) (owned) */
} ListTestChange;

/* A fetch that is under way. */
typedef struct
{
  struct _ListTest *test;
  guint64 position;
  guint n_rows;
  gpointer data;
  GVariant *answer; /* (owned) (nullable): when it was read */
} ListTestFetch;

typedef struct
{
  guint64 number;
  FerryListRow *row; /* (owned) (nullable): the one that the test holds */
} ListTestCell;

typedef struct _ListTest
{
  /* the remote list */
  GArray *numbers; /* (element-type guint64) */
  guint64 next_number;
  guint64 revision;
  guint64 n_lists;
  GQueue changes; /* (element-type ListTestChange) (owned): not told yet */
  GQueue events;  /* (owned): told, and under way */

  /* the source */
  const FerrySubscriptionFuncs *funcs; /* (nullable): NULL when there is no subscription */
  gpointer data;
  GPtrArray *fetches; /* (element-type ListTestFetch) (owned): the oldest first */
  guint n_asked;      /* fetches there ever were */
  guint most_fetches; /* at a time */

  FerryListReplica *replica; /* (owned) (nullable) */

  /* the witness */
  GArray *cells;   /* (element-type ListTestCell): what the replica has to have */
  GQueue expected; /* (element-type ListTestChange) (owned): what it has to tell next */
  guint n_changed; /* how often it did */
  guint n_loaded;  /* how many rows' values came that were looked at */
  gboolean blind;  /* what the list tells is not what it has, and nothing is checked */
} ListTest;

/* length: of the list; nothing is told yet. */
ListTest *list_test_new (guint length);
/* The same of a list that has told what it has. */
ListTest *list_test_new_begun (guint length);
/* Nothing of the replica is left. */
void list_test_free (ListTest *self);

/* ---- what the list does ---- */

void list_test_splice (ListTest *self, guint64 position, guint64 n_removed, guint64 n_added);
/* The changes that were not told yet are made one, which has all of them. */
void list_test_join (ListTest *self);
void list_test_tell (ListTest *self);
/* The whole list, as the first item of a stream. */
void list_test_begin (ListTest *self);
void list_test_fall_silent (ListTest *self, gboolean for_ever);
/* Another list of that length, with revisions that begin anew; it has told nothing yet. */
void list_test_replace (ListTest *self, guint length);

/* ---- what arrives ---- */

/* FALSE when nothing was under way. */
gboolean list_test_deliver (ListTest *self);
/* An item of any content. */
void list_test_give_item (ListTest *self, gboolean is_first, const char *text);
ListTestFetch *list_test_get_fetch (ListTest *self, guint index);
void list_test_read (ListTestFetch *fetch);
/* Reads when that was not done. */
void list_test_answer (ListTestFetch *fetch);
void list_test_answer_with (ListTestFetch *fetch, GVariant *answer);
void list_test_fail (ListTestFetch *fetch);
/* Lets the main context do what it has to do. */
void list_test_turn (ListTest *self);
/* Until all has arrived, and nothing is asked any more. */
void list_test_settle (ListTest *self);

/* ---- what is seen ---- */

/* The row of that place, which is held from then on. Returns (transfer none). */
FerryListRow *list_test_look (ListTest *self, guint position);
gboolean list_test_is_loaded (ListTest *self, guint position);
/* For “notify” signals. */
void list_test_count_cb (GObject *object, GParamSpec *pspec, guint *n);
void list_test_look_away (ListTest *self, guint position);
/* The row has its place's number. */
void list_test_assert_right (ListTest *self, guint position);
void list_test_assert_all_right (ListTest *self);

G_END_DECLS
