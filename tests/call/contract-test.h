/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contract that everything keeps that carries calls: its kinds, two connected ends of one, and what they can be
 * ordered. A fact says which traits it is about, and is tried with each kind that has them. */

#pragma once

#include "call/contract-end.h"
#include "ferry-test.h"

G_BEGIN_DECLS

typedef enum
{
  /* Both ends ask, and each takes calls when it likes. */
  CONTRACT_BOTH_ASK = 1 << 0,
  /* An end closes by itself, and its process goes on. */
  CONTRACT_CLOSES = 1 << 1,
  /* One of the ends is in a process that can be killed. */
  CONTRACT_KILLED = 1 << 2,
  /* Carries descriptors for those who use the transport. */
  CONTRACT_DESCRIPTORS = 1 << 3,
  /* The one end may send some before the other takes any. */
  CONTRACT_SENDS_FIRST = 1 << 4,
  /* A request has descriptors with it. */
  CONTRACT_REQUEST_DESCRIPTORS = 1 << 5,
} ContractTraits;

typedef struct _ContractKind ContractKind;
typedef struct _ContractPlace ContractPlace;

#define ONE 0
#define OTHER 1

typedef struct
{
  const ContractKind *kind; /* (unowned) */
  ContractEnd *ends[2];     /* (owned) */
  guint here;               /* which end is in this process, where one is not */
  ContractPlace *place;     /* (owned) (nullable): of a kind with an end elsewhere */
  guint n_fds;              /* open before, as the next one */
  guint n_threads;
} ContractPair;

typedef struct
{
  const char *name;
  void (*func) (const ContractKind *kind);
  ContractTraits needs;
  ContractTraits lacks; /* what its kinds have none of */
} ContractFact;

/* Adds the tests /GROUP/KIND/FACT. */
void contract_test_add_facts (const char *group, const ContractFact *facts, guint n_facts);
gboolean contract_kind_has (const ContractKind *kind, ContractTraits traits);

ContractPair *contract_pair_new (const ContractKind *kind);
/* Closes what is open, and waits until no thread, process or descriptor is left behind. */
void contract_pair_free (ContractPair *self);
/* Kills the process with the end that is not here, which gets no orders any more. Returns the code with which the end
 * here closes then. */
int contract_pair_kill (ContractPair *self);

/* Orders with the arguments that they have, see contract-end.c. */
void contract_do (ContractEnd *end, const char *order);
guint contract_do_number (ContractEnd *end, const char *order, GVariant *argument);
guint contract_ask (ContractEnd *end, const char *method, GVariant *arguments);
guint contract_ask_stream (ContractEnd *end, const char *method, GVariant *arguments, guint16 window);
void contract_tell (ContractEnd *end, const char *method);
/* Lets the end take nothing that comes, or lets it go on. */
void contract_shut (ContractEnd *end, gboolean is_shut);
/* Waits for so many calls, and asserts that it were no more. */
void contract_wait_told (ContractEnd *end, guint wanted);
/* How a question ended. */
typedef struct
{
  gboolean refused;
  char *result;  /* (owned): as text; empty for none */
  GError *error; /* (owned) (nullable) */
  gboolean traced;
  char *items; /* (owned): each as text, and a semicolon */
} ContractOutcome;

void contract_wait (ContractEnd *end, guint number, ContractOutcome *outcome);
void contract_outcome_clear (ContractOutcome *self);
/* Waits for the answer, which must be that text. */
void contract_assert_answered (ContractEnd *end, guint number, const char *text);
void contract_assert_failed (ContractEnd *end, guint number, GQuark domain, int code);
/* Waits for an answer or an error with that code. */
void contract_assert_answered_or (ContractEnd *end, guint number, const char *text, int code);
/* Waits for the end, which must have that code of FERRY_ERROR. */
void contract_assert_closed (ContractEnd *end, int code);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ContractOutcome, contract_outcome_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ContractPair, contract_pair_free)

G_END_DECLS
