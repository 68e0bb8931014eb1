/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Turns decide from which link the next block is dispatched: links take turns by the time of their handlers.
 *
 * Blocks come out of the local queue in the order in which the monitor drained them. Here each link has its own row of
 * blocks, and the links take turns. A turn is a time that the handlers of the link's messages may take, and may end
 * within a block. So the number and the size of a link's messages do not affect the other links.
 *
 * A link that gets a block while it is in no list enters the list fresh, which comes before the list others. Then it
 * moves to others, and stays there until its next turn, even if its row is empty. So a link that sends a little again
 * and again gets no more than its part of the time. A link with handlers that took longer than a turn gets no turn
 * until the other links had as much time. This is the scheme of FQ-CoDel (RFC 8290), with microseconds instead of
 * bytes.
 *
 * A link can be held: it gets no turn until it is released, and its blocks stay in its row.
 *
 * Owner:     the router.
 * Threads:   the router's thread only.
 * Invariant: a link with a block in its row is in one of the lists, and the list holds a reference to the link.
 *            The blocks of a row are in the order of their arrival. */

#include "config.h"

#include "engine/ferry-fair-queue-private.h"

#include "engine/ferry-local-queue-private.h"

/* Microseconds of handlers' time in a turn. Between its turns, a link waits for one turn of each other link that has a
 * block. Among forty busy links, that is one dispatch budget of the router. With shorter turns the clock would be read
 * more often. */
#define TURN 100

/* The most microseconds that a link is charged, so that it does not wait for long for one slow message. */
#define HIGHEST_DEBT (40 * TURN)

static void
list (FerryLink *link, GQueue *list)
{
  FerryLinkTurn *turn = &link->turn;

  turn->node.data = ferry_link_ref (link);
  turn->list = list;
  g_queue_push_tail_link (turn->list, &turn->node);
}

static void
move_behind_the_others (FerryFairQueue *self, FerryLink *link)
{
  FerryLinkTurn *turn = &link->turn;

  g_queue_unlink (turn->list, &turn->node);
  turn->list = &self->others;
  g_queue_push_tail_link (turn->list, &turn->node);
}

/* Adds a block at the end of its link's row. Takes ownership of the block. */
void
ferry_fair_queue_add (FerryFairQueue *self, FerryBlock *block)
{
  FerryLinkTurn *turn = &block->link->turn;

  block->next = NULL;
  if (turn->first == NULL)
    turn->first = block;
  else
    turn->last->next = block;
  turn->last = block;
  if (turn->list == NULL)
    list (block->link, &self->fresh);
}

/* Removes and returns the first block of a row. Records that came after output may have been added to the records
 * before it: so output comes first, and is not behind the answer of the call that printed it. */
static FerryBlock *
take_first (FerryLink *link)
{
  FerryBlock *block = link->turn.first;
  FerryBlock *output = block->next;

  if (block->kind == FERRY_BLOCK_RECORDS && output != NULL && output->kind == FERRY_BLOCK_OUTPUT)
    {
      ferry_fair_queue_remove (link, block, output);
      return output;
    }
  link->turn.first = g_steal_pointer (&block->next);
  return block;
}

/* (transfer full) (nullable): removes and returns the block to dispatch next. */
FerryBlock *
ferry_fair_queue_take (FerryFairQueue *self)
{
  for (;;)
    {
      GQueue *list = self->fresh.head != NULL ? &self->fresh : &self->others;
      FerryLink *link = g_queue_peek_head (list);

      if (link == NULL)
        return NULL;
      if (link->turn.spent >= TURN)
        {
          link->turn.spent -= TURN;
          move_behind_the_others (self, link);
          continue;
        }
      if (link->turn.first != NULL)
        return take_first (link);
      if (list == &self->fresh && self->others.head != NULL)
        {
          move_behind_the_others (self, link);
          continue;
        }
      g_queue_unlink (list, &link->turn.node);
      link->turn.list = NULL;
      link->turn.spent = 0;
      ferry_link_unref (link);
    }
}

/* Adds a block that ferry_fair_queue_take() returned at the head of its link's row, since a part of the block is not
 * dispatched yet. Takes ownership of the block. */
void
ferry_fair_queue_put_back (FerryFairQueue *self, FerryBlock *block)
{
  FerryLinkTurn *turn = &block->link->turn;

  block->next = turn->first;
  turn->first = block;
  if (block->next == NULL)
    turn->last = block;
  if (turn->list == NULL)
    list (block->link, &self->fresh);
}

/* Removes a block from its link's row. before: (nullable): the block before it. */
void
ferry_fair_queue_remove (FerryLink *link, FerryBlock *before, FerryBlock *block)
{
  FerryLinkTurn *turn = &link->turn;

  if (before == NULL)
    turn->first = block->next;
  else
    before->next = block->next;
  if (turn->last == block)
    turn->last = before;
  block->next = NULL;
}

static gboolean
has_row_until (const GQueue *list, guint64 serial)
{
  for (const GList *node = list->head; node != NULL; node = node->next)
    {
      const FerryBlock *first = ((FerryLink *) node->data)->turn.first;

      if (first != NULL && first->serial <= serial)
        return TRUE;
    }
  return FALSE;
}

/* Whether a row holds a block with that serial or an earlier one. */
gboolean
ferry_fair_queue_has_until (const FerryFairQueue *self, guint64 serial)
{
  return has_row_until (&self->fresh, serial) || has_row_until (&self->others, serial) ||
         has_row_until (&self->held, serial);
}

/* Gives the link no turn until it is released. */
void
ferry_fair_queue_hold (FerryFairQueue *self, FerryLink *link)
{
  FerryLinkTurn *turn = &link->turn;

  if (turn->list == NULL)
    {
      list (link, &self->held);
      return;
    }
  g_queue_unlink (turn->list, &turn->node);
  turn->list = &self->held;
  g_queue_push_tail_link (turn->list, &turn->node);
}

gboolean
ferry_fair_queue_is_held (const FerryFairQueue *self, const FerryLink *link)
{
  return link->turn.list == &self->held;
}

/* Lets a held link have its turns again. The turn in which it was held goes on, if it is not over. */
void
ferry_fair_queue_release (FerryFairQueue *self, FerryLink *link)
{
  FerryLinkTurn *turn = &link->turn;

  if (turn->list != &self->held)
    return;
  g_queue_unlink (turn->list, &turn->node);
  turn->list = &self->others;
  g_queue_push_head_link (turn->list, &turn->node);
}

void
ferry_fair_queue_release_all (FerryFairQueue *self)
{
  while (self->held.head != NULL)
    ferry_fair_queue_release (self, self->held.head->data);
}

/* Charges the link for the microseconds that its handlers took. Returns whether its turn is over. */
gboolean
ferry_fair_queue_charge (FerryLink *link, gint64 passed)
{
  link->turn.spent = MIN (link->turn.spent + passed, HIGHEST_DEBT);
  return link->turn.spent >= TURN;
}
