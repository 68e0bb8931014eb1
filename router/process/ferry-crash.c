/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a worker crashed: a handler of the signals of a crash, which sends the application a packet with the frames of
 * the stack, and then lets the signal do what it would have done, so that there is a core dump as before.
 *
 * It also answers the signal by which the application asks a worker whose time is over where it is. Nothing happens to
 * a process that has no handler of that one. SIGTERM would not do, since a handler of it means that a process tidies
 * up. A word of the link tells a question from the same signal of anybody else, such as a terminal multiplexer.
 *
 * The unwinder is that of the compiler, which is in this library itself: backtrace() would load another one, at the
 * start of each worker, or in the handler, where nothing may be loaded. Here nothing is prepared, and nothing
 * allocated. A stack that is spoiled may have the unwinder read what is not there. That ends the walk, and what was
 * found counts.
 *
 * A function that calls itself until the stack ends is there thousands of times. Two of them are told, and the walk
 * goes on to who called it first. So it is with functions that call each other in turns.
 *
 * A thread other than the first has no alternate stack, and so tells nothing where its stack is used up.
 *
 * Threads: the one that attaches, and in the handler any; one tells at a time. */

#include "config.h"

#include "process/ferry-crash-private.h"

#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unwind.h>

#include "process/ferry-module-identity-private.h"

/* Enough for two handlers, one of another library that calls this one, on processors with the largest registers. */
#define STACK_SIZE 65536

/* The longest name of a file that is sent. */
#define MAX_NAME 1024

/* So many frames are walked at most: as many as a stack of 8 MB has, of 16 bytes each. */
#define MAX_WALKED (1u << 19)

/* Of so many functions at most that call each other in turns. */
#define MAX_ROUND 8

/* For how many milliseconds a thread that crashes waits for another one that tells where it crashed, and one that was
 * asked for its end. */
#define MOST_PAUSES 1000

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

/* Const once this process has attached. */
static int control_socket = -1;
static const FerryLinkControl *words; /* of its link, for as long as the process lives */
static pid_t owner;                   /* the process that has attached; 0: none */

static _Atomic guint32 n_answered; /* of the questions where it is: FerryLinkControl.asked at the latest answer */
static void (*behind) (int signal_number); /* const once the program has set it: see ferry_crash_lead() */

static char stack[STACK_SIZE] __attribute__ ((aligned (16)));

/* All that follows is for the thread that tells. */
static _Atomic gboolean is_telling;
static _Atomic pid_t teller;
static sigjmp_buf escape;
static struct
{
  FerryCrash head;
  FerryCrashFrame frames[FERRY_MAX_CRASH_FRAMES];
  char rest[FERRY_MAX_CRASH_SIZE - sizeof (FerryCrash) - FERRY_MAX_CRASH_FRAMES * sizeof (FerryCrashFrame)];
} packet;
static const struct link_map *modules[FERRY_MAX_CRASH_MODULES];
static FerryCrashModule identities[FERRY_MAX_CRASH_MODULES];
static guint n_identified;  /* of the modules: it was tried at least */
static gboolean is_inside;  /* the walk has left the handler's own frames */
static gboolean is_stepped; /* what follows is the caller of an address without code */
static guint n_walked;
static guint64 addresses[FERRY_MAX_CRASH_FRAMES]; /* of the frames, in memory; 0: that one is exact */
static guint round_length;                        /* of the frames that come over and over; 0: none do */
static guint round_place;                         /* how many of the round have come that were not added */

/* ---- the walk ---- */

static guint32
find_module (const struct link_map *map)
{
  guint i;

  for (i = 0; i < packet.head.n_modules && modules[i] != map; i++)
    ;
  if (i == FERRY_MAX_CRASH_MODULES)
    return FERRY_NO_MODULE;
  modules[i] = map;
  packet.head.n_modules = MAX (packet.head.n_modules, i + 1);
  return i;
}

static void
add_frame (guint64 address, gboolean is_exact)
{
  FerryCrashFrame *frame = &packet.frames[packet.head.n_frames];
  struct dl_find_object found;

  *frame = (FerryCrashFrame){.offset = address, .module = FERRY_NO_MODULE, .exact = is_exact};
  if (_dl_find_object ((gpointer) (guintptr) (address - !is_exact), &found) == 0)
    frame->module = find_module (found.dlfo_link_map);
  if (frame->module != FERRY_NO_MODULE)
    frame->offset -= found.dlfo_link_map->l_addr;
  addresses[packet.head.n_frames] = is_exact ? 0 : address;
  packet.head.n_frames++;
}

/* Whether the latest frames are so many, and the same ones once more. */
static gboolean
are_two_rounds (guint length)
{
  const guint64 *first = &addresses[packet.head.n_frames - 2 * length];

  for (guint i = 0; i < length; i++)
    if (first[i] == 0 || first[i] != first[i + length])
      return FALSE;
  return TRUE;
}

static guint
find_round (void)
{
  for (guint length = 1; length <= MIN (MAX_ROUND, packet.head.n_frames / 2); length++)
    if (are_two_rounds (length))
      return length;
  return 0;
}

/* Adds a frame. Of rounds that come over and over, the first two are added, and what is not a whole one at the end. */
static void
add_frame_once (guint64 address, gboolean is_exact)
{
  const guint first = packet.head.n_frames - round_length;

  if (round_length > 0 && !is_exact && addresses[first + round_place] == address)
    {
      round_place = (round_place + 1) % round_length;
      return;
    }
  for (guint i = 0; i < round_place && packet.head.n_frames < FERRY_MAX_CRASH_FRAMES; i++)
    add_frame (addresses[first + i], FALSE);
  if (packet.head.n_frames < FERRY_MAX_CRASH_FRAMES)
    add_frame (address, is_exact);
  round_length = find_round ();
  round_place = 0;
}

static _Unwind_Reason_Code
note_frame (struct _Unwind_Context *context, gpointer data)
{
  int is_exact = 0;
  guint64 address = _Unwind_GetIPInfo (context, &is_exact);

  /* The frames before the first one that a signal has interrupted are the handler's. */
  is_inside = is_inside || is_exact;
  if (!is_inside)
    return _URC_NO_REASON;
  if (packet.head.n_frames == FERRY_MAX_CRASH_FRAMES || n_walked++ == MAX_WALKED)
    return _URC_END_OF_STACK;
  if (address != 0)
    add_frame_once (address, is_exact && !is_stepped);
  is_stepped = FALSE;
  return _URC_NO_REASON;
}

/* Where the signal has interrupted the thread: its place in the context, by which the unwinder goes on, too. */
static guintptr *
get_place (ucontext_t *context)
{
#if defined(__x86_64__)
  return (guintptr *) &context->uc_mcontext.gregs[REG_RIP];
#elif defined(__i386__)
  return (guintptr *) &context->uc_mcontext.gregs[REG_EIP];
#elif defined(__aarch64__)
  return (guintptr *) &context->uc_mcontext.pc;
#else
  return NULL;
#endif
}

/* Leaves a function that has no code, such as that of a pointer that is NULL: nothing says how to unwind it, but it has
 * just been called. Only what the unwinder reads is changed. */
static void
leave_call (ucontext_t *context)
{
#if defined(__x86_64__)
  const guintptr *top = (const guintptr *) (guintptr) context->uc_mcontext.gregs[REG_RSP];

  context->uc_mcontext.gregs[REG_RIP] = (greg_t) *top;
  context->uc_mcontext.gregs[REG_RSP] += (greg_t) sizeof *top;
#elif defined(__i386__)
  const guintptr *top = (const guintptr *) (guintptr) context->uc_mcontext.gregs[REG_ESP];

  context->uc_mcontext.gregs[REG_EIP] = (greg_t) *top;
  context->uc_mcontext.gregs[REG_ESP] += (greg_t) sizeof *top;
#elif defined(__aarch64__)
  context->uc_mcontext.pc = context->uc_mcontext.regs[30];
#endif
}

static void
walk (gpointer data)
{
  ucontext_t *context = data;
  const guintptr *place = get_place (context);
  struct dl_find_object found;

  if (place != NULL && _dl_find_object ((gpointer) *place, &found) != 0)
    {
      add_frame (*place, TRUE);
      leave_call (context);
      is_stepped = TRUE;
    }
  _Unwind_Backtrace (note_frame, NULL);
}

/* ---- the handlers ---- */

static void
fault_in_walk (int signal_number, siginfo_t *info, gpointer context)
{
  const struct timespec pause = {.tv_nsec = 1000000};

  if ((pid_t) syscall (SYS_gettid) == teller)
    siglongjmp (escape, 1);
  /* Another thread crashes meanwhile, or has a handler for its fault, which waits until the walk is over. A fault comes
   * again by itself. */
  nanosleep (&pause, NULL);
  if (info->si_code <= 0)
    syscall (SYS_rt_tgsigqueueinfo, getpid (), syscall (SYS_gettid), signal_number, info);
}

/* Calls what may read where nothing is. It ends there. */
static void
call_guarded (void (*func) (gpointer data), gpointer data)
{
  struct sigaction guard = {.sa_sigaction = fault_in_walk, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  struct sigaction usual[2];
  sigset_t faults;
  sigset_t mask;

  sigemptyset (&faults);
  sigaddset (&faults, SIGSEGV);
  sigaddset (&faults, SIGBUS);
  sigaction (SIGSEGV, &guard, &usual[0]);
  sigaction (SIGBUS, &guard, &usual[1]);
  pthread_sigmask (SIG_UNBLOCK, &faults, &mask);
  if (sigsetjmp (escape, 0) == 0)
    func (data);
  pthread_sigmask (SIG_SETMASK, &mask, NULL);
  sigaction (SIGSEGV, &usual[0], NULL);
  sigaction (SIGBUS, &usual[1], NULL);
}

/* ---- the files ---- */

/* Reads the builds of the modules that are left. */
static void
identify_rest (gpointer unused)
{
  while (n_identified < packet.head.n_modules)
    {
      const struct link_map *module = modules[n_identified];
      FerryCrashModule *identified = &identities[n_identified];
      struct dl_find_object found;

      n_identified++;
      identified->size = 0;
      if (_dl_find_object (module->l_ld, &found) == 0 && found.dlfo_link_map == module)
        identified->size = ferry_module_identify (
          found.dlfo_map_start, (const char *) found.dlfo_map_end - (const char *) found.dlfo_map_start, TRUE,
          identified->identity);
    }
}

/* Writes the name of the program's file, as copy_name(). The system marks one that is not there any more. */
static gsize
copy_own_name (char *place)
{
  static const char mark[] = " (deleted)";
  const gsize mark_length = sizeof mark - 1;
  const gssize length = readlink ("/proc/self/exe", place, MAX_NAME);

  if (length > (gssize) mark_length && memcmp (place + length - mark_length, mark, mark_length) == 0)
    return (gsize) length - mark_length;
  return (gsize) MAX (length, 0);
}

/* Writes the name of a module's file to a place with room for MAX_NAME bytes, and returns its length. The main program
 * has none, and may have been started by a relative path, or by a script. */
static gsize
copy_name (const struct link_map *module, char *place)
{
  gsize length = strnlen (module->l_name, MAX_NAME);

  memcpy (place, module->l_name, length);
  return length > 0 ? length : copy_own_name (place);
}

/* Writes what is told of the files, and returns where that ends. */
static char *
add_modules (char *place)
{
  const char *end = (const char *) &packet + sizeof packet - FERRY_MAX_CRASH_MODULES;
  const gsize size = packet.head.n_modules * sizeof identities[0];

  memcpy (place, identities, size);
  place += size;
  for (guint i = 0; i < packet.head.n_modules; i++)
    {
      if (place + MAX_NAME + 1 <= end)
        place += copy_name (modules[i], place);
      *place++ = '\0';
    }
  return place;
}

/* ---- what is told ---- */

static gboolean
is_fault (int signal_number)
{
  return signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGFPE || signal_number == SIGILL;
}

static void
tell (int signal_number, const siginfo_t *info, ucontext_t *context)
{
  const ucontext_t before = *context;
  const char *end;

  packet.head = (FerryCrash){
    .header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_CRASH, .version = FERRY_PROTOCOL_VERSION},
    .signal = signal_number,
    .code = info->si_code,
    .address = is_fault (signal_number) && info->si_code > 0 ? (guintptr) info->si_addr : 0,
  };
  is_inside = is_stepped = FALSE;
  n_walked = round_length = round_place = 0;
  call_guarded (walk, context);
  *context = before;
  for (n_identified = 0; n_identified < packet.head.n_modules;)
    call_guarded (identify_rest, NULL);
  /* Directly behind the frames. */
  end = add_modules ((char *) &packet + sizeof packet.head + packet.head.n_frames * sizeof packet.frames[0]);
  send (control_socket, &packet, (gsize) (end - (const char *) &packet), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Waits for another thread that tells: that one ends the process, so that this one has only to be quiet meanwhile. */
static gboolean
begin_telling (void)
{
  const struct timespec pause = {.tv_nsec = 1000000};
  const pid_t self = (pid_t) syscall (SYS_gettid);

  for (guint i = 0; atomic_exchange (&is_telling, TRUE); i++)
    {
      if (teller == self || i == MOST_PAUSES)
        return FALSE;
      nanosleep (&pause, NULL);
    }
  teller = self;
  return TRUE;
}

static void
tell_once (int signal_number, const siginfo_t *info, ucontext_t *context)
{
  int error_number = errno;

  /* A child that was forked has the parent's socket, and a fork server has none. */
  if (getpid () == owner && begin_telling ())
    {
      tell (signal_number, info, context);
      atomic_store (&is_telling, signal_number != FERRY_WHERE_SIGNAL);
    }
  errno = error_number;
}

static void
crashed (int signal_number, siginfo_t *info, gpointer context)
{
  const struct sigaction usual = {.sa_handler = SIG_DFL};

  tell_once (signal_number, info, context);
  /* Another handler may have called this one, and be the one that is installed. */
  sigaction (signal_number, &usual, NULL);
  /* A fault comes again as soon as this returns. What was sent, or is done once, such as a trap, would not. */
  if (!is_fault (signal_number) || info->si_code <= 0)
    if (syscall (SYS_rt_tgsigqueueinfo, getpid (), syscall (SYS_gettid), signal_number, info) < 0)
      raise (signal_number);
}

/* Whether SIGTERM ends the process at once, wherever it is. */
static gboolean
is_ended_by_sigterm (const ucontext_t *context)
{
  struct sigaction action;

  return sigaction (SIGTERM, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_DFL && sigismember (&context->uc_sigmask, SIGTERM) == 0;
}

/* Whether the application asks because it is about to end this process, and not for somebody who looks. */
static gboolean
is_doomed (void)
{
  /* Relaxed: the flag was set before the question was sent, and nothing else is read by it. */
  return (atomic_load_explicit (&words->claim, memory_order_relaxed) & FERRY_CLAIM_DOOMED) != 0;
}

/* The question has ended what the function slept in, such as sleep(). A function whose time is over is not to go on in
 * the short time until the application ends the process, and do what it would have done later, or return. */
static void
await_end (const ucontext_t *context)
{
  const struct timespec pause = {.tv_nsec = 1000000};

  for (guint i = 0; i < MOST_PAUSES && is_doomed () && is_ended_by_sigterm (context); i++)
    nanosleep (&pause, NULL);
}

/* Relaxed: the word was stored before the signal was sent. Pairs with the store in note_question(). */
static gboolean
is_asked (void)
{
  guint32 n_asked = atomic_load_explicit (&words->asked, memory_order_relaxed);

  return atomic_exchange (&n_answered, n_asked) != n_asked;
}

static void
asked (int signal_number, siginfo_t *info, gpointer context)
{
  if (getpid () != owner || !is_asked ())
    return;
  if (behind != NULL)
    behind (signal_number);
  tell_once (signal_number, info, context);
  await_end (context);
}

/* ---- the installation ---- */

static const struct sigaction where = {.sa_sigaction = asked, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

static void
install (int signal_number, const struct sigaction *action)
{
  struct sigaction present;

  if (sigaction (signal_number, NULL, &present) == 0 && (present.sa_flags & SA_SIGINFO) == 0 &&
      present.sa_handler == SIG_DFL)
    sigaction (signal_number, action, NULL);
}

void
ferry_crash_prepare (void)
{
  const struct sigaction fatal = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
  stack_t present;

  if (sigaltstack (NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0)
    sigaltstack (&own, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (fatal_signals); i++)
    install (fatal_signals[i], &fatal);
  install (FERRY_WHERE_SIGNAL, &where);
}

void
ferry_crash_install (int control, const FerryLinkControl *link)
{
  control_socket = control;
  words = link;
  owner = getpid ();
  ferry_crash_prepare ();
}

void
ferry_crash_lead (void)
{
  struct sigaction present;

  sigaction (FERRY_WHERE_SIGNAL, &where, &present);
  behind = present.sa_handler;
}
