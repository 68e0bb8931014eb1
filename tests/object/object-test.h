/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A counter, which is what other processes do things to in the tests of remote objects; one that is derived from it,
 * and the interface of both. */

#pragma once

#include <ferry-objects.h>

G_BEGIN_DECLS

#define TEST_TYPE_COUNTER (test_counter_get_type ())
G_DECLARE_DERIVABLE_TYPE (TestCounter, test_counter, TEST, COUNTER, GObject)

/* Properties: value (int, 0 to 1,000,000), step (int, 1 to 1000), running (boolean, can only be read), label (string),
 * secret (string, is not exported), next (TestCounter, can only be read), write-only (int).
 * Signals: counted (int, string). */
struct _TestCounterClass
{
  GObjectClass parent_class;

  /* Gives the new value. */
  void (*add) (gpointer counter, FerryInvocation *invocation, gpointer user_data);
};

#define TEST_TYPE_DOUBLE_COUNTER (test_double_counter_get_type ())
/* Its add adds twice as much. */
G_DECLARE_FINAL_TYPE (TestDoubleCounter, test_double_counter, TEST, DOUBLE_COUNTER, TestCounter)

TestCounter *test_counter_new (const char *label);
int test_counter_get_value (TestCounter *self);
void test_counter_set_value (TestCounter *self, int value);
void test_counter_set_next (TestCounter *self, TestCounter *next);
/* Of add and hold: the most that were in it at the same time. */
int test_counter_get_most_at_once (TestCounter *self);
/* How many there are. */
int test_counter_count (void);
/* Whether there are none: a condition to wait for. */
gboolean test_counters_are_gone (gpointer data);
/* Emits “counted”. */
void test_counter_emit (TestCounter *self, int number, const char *text);
/* Answers a call that hold keeps. */
void test_counter_let_go (TestCounter *self);
/* How many calls it keeps, and how many of them are not wanted any more. */
guint test_counter_get_n_held (TestCounter *self);
guint test_counter_get_n_cancelled (TestCounter *self);
/* How many threads are in block. */
guint test_counter_get_n_blocked (TestCounter *self);

/* Methods: add (i) → i, of the class; get_self () → o; get_next () → o; make (s) → o: a new counter; fail (s): an
 * error; hold () → i: answered by test_counter_let_go(); block (): keeps its thread until it is cancelled; stop ():
 * running is FALSE; join (asi) → s; wrong () → s: gives an int; give_stranger () → o: an object that is not exported;
 * drop (): does not answer; thread () → i: answered by another thread. */
FerryInterface *test_counter_create_interface (void);

G_END_DECLS
