/*-------------------------------------------------------------------------
 *
 * shape.c
 *	  The shape of a series of outcomes: is it as it was?
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <string.h>

#include "abuse/shape.h"

#define HOUR			60
#define DAY				1440
#define MONTH			(30.0 * DAY)

/* What still counts as usual: the share of bad ones, the volume, and what is slow. */
#define RATIO_SLACK		1.5
#define VOLUME_SLACK	0.7
#define DRIFT_SLACK		1.2
#define DRIFT_CLOSE		1.1
#define SILENCE_SLACK	0.5

/* No fewer minutes open an alarm; who comes in bursts is no rise. */
#define LEAST_MINUTES	3
#define LEAST_BURSTS	10
#define CLOSING			6.9		/* ln 1000 */
#define CLOSING_MINUTES 10
#define LEARNED			(7 * DAY)	/* what has lasted so long is usual now */
#define LEAST_WEEKS		2
#define DOUBT			6.9		/* of the bounds of what was learned: ln 1000 */
#define LEAST_PAIRS		5		/* days that a drift is judged by */
#define DRIFT_MINUTES	(DAY - 10)	/* that are known of such a day */
#define DISPERSION_MAX	10.0

static const double odds_up[SHAPE_BETS] = {1.5, 3.0, 10.0};
static const double odds_down[SHAPE_BETS] = {0.6, 0.25, 0.02};
static const double volume_down[SHAPE_BETS] = {0.8, 0.6, 0.2};
static const double volume_up[SHAPE_BETS] = {1.25, 2.0, 5.0};

static const char *const names[SHAPE_NKINDS] = {
	[SHAPE_RATIO_UP] = "ratio_up", [SHAPE_RATIO_DOWN] = "ratio_down",
	[SHAPE_VOLUME_DOWN] = "volume_down", [SHAPE_VOLUME_UP] = "volume_up",
	[SHAPE_SILENCE] = "silence",
	[SHAPE_RATIO_DRIFT] = "ratio_drift", [SHAPE_VOLUME_DRIFT] = "volume_drift"
};

/* What a minute says, and by what it is judged. */
typedef struct Step
{
	Shape	   *shape;
	int64_t		minute;
	int64_t		good;
	int64_t		bad;
	double		expected;		/* of both; negative: not known */
	double		threshold;
	ShapeEvent *events;
	int			nevents;
} Step;

const char *
paysafe_shape_name(ShapeKind kind)
{
	return names[kind];
}

double
paysafe_shape_threshold(int series)
{
	return log(MONTH * SHAPE_NKINDS * (series > 0 ? series : 1));
}

void
paysafe_shape_begin(Shape *shape, int64_t minute)
{
	memset(shape, 0, sizeof(Shape));
	shape->version = SHAPE_VERSION;
	shape->first = minute;
	shape->now = minute - 1;
	shape->ratio = shape->ratio_low = shape->ratio_high = -1;
	shape->dispersion = 1;
	shape->hour_last = -1;
	memset(shape->hours, -1, sizeof(shape->hours));
	for (int kind = 0; kind < SHAPE_NKINDS; kind++)
		shape->alarms[kind].since = minute;
}

/* Arithmetic */

/* How far a share of n is from another one: n times Kullback and Leibler's divergence. */
static double
distance(double k, double n, double p)
{
	double		sum = 0;

	if (k > 0)
		sum += k * log(k / (n * p));
	if (k < n)
		sum += (n - k) * log((n - k) / (n * (1 - p)));
	return sum;
}

/* The share that is so far off that what was counted would come once in e^DOUBT, by Chernoff's bound. */
static double
bound(double k, double n, double far)
{
	double		near = k / n;

	for (int i = 0; i < 60; i++)
	{
		double		p = (near + far) / 2;

		if (distance(k, n, p) > DOUBT)
			far = p;
		else
			near = p;
	}
	return (near + far) / 2;
}

static double
times_odds(double p, double factor)
{
	return p * factor / (1 - p + p * factor);
}

/* The logarithm of the likelihood ratio of shares q and p. */
static double
share_bet(const Step *step, double q, double p)
{
	double		sum = 0;

	if (step->bad > 0)
		sum += step->bad * log(q / p);
	if (step->good > 0)
		sum += step->good * log((1 - q) / (1 - p));
	return sum;
}

/* The same of volumes that are r and s times what is usual. */
static double
volume_bet(const Step *step, double r, double s)
{
	return ((step->good + step->bad) * log(r / s) - (r - s) * step->expected) / step->shape->dispersion;
}

/* What is usual */

/* Of an hour of a week; negative: not known. */
static double
usual_hour(const Shape *shape, int64_t hour)
{
	const int32_t *weeks = shape->hours[hour % SHAPE_WEEK_HOURS];
	double		sum = 0;
	int			n = 0;

	for (int i = 0; i < SHAPE_WEEKS; i++)
		if (weeks[i] >= 0)
		{
			sum += weeks[i];
			n++;
		}
	return n < LEAST_WEEKS ? -1 : sum / n;
}

double
paysafe_shape_usual(const Shape *shape, int64_t minute)
{
	int64_t		hour = minute / HOUR;
	double		usual = usual_hour(shape, hour);
	double		place = (minute % HOUR + 0.5) / HOUR - 0.5;	/* of the hour's middle */
	double		other = usual_hour(shape, place < 0 ? hour + SHAPE_WEEK_HOURS - 1 : hour + 1);

	if (usual < 0)
		return -1;
	if (other >= 0)
		usual += fabs(place) * (other - usual);
	return usual / HOUR;
}

/* The share of bad ones of the 28 days before that one. */
static void
learn_ratio(Shape *shape, int64_t day)
{
	double		good = 0;
	double		bad = 0;

	shape->ratio = shape->ratio_low = shape->ratio_high = -1;
	for (int64_t d = day - 28; d < day; d++)
		if (d >= shape->first / DAY)
		{
			good += shape->days[d % SHAPE_DAYS].good;
			bad += shape->days[d % SHAPE_DAYS].bad;
		}
	if (good + bad == 0)
		return;
	shape->ratio = bad / (good + bad);
	shape->ratio_low = times_odds(bound(bad, good + bad, 0), 1 / RATIO_SLACK);
	shape->ratio_high = times_odds(bound(bad, good + bad, 1), RATIO_SLACK);
}

static bool
is_disturbed(const Shape *shape)
{
	for (int kind = 0; kind < SHAPE_RATIO_DRIFT; kind++)
		if (shape->alarms[kind].open)
			return true;
	return false;
}

/* An hour has ended. */
static void
learn_hour(Shape *shape, int64_t hour)
{
	int32_t    *weeks = shape->hours[hour % SHAPE_WEEK_HOURS];
	double		mean = shape->hour_minutes > 0 ? (double) shape->hour_n / shape->hour_minutes : 0;

	if (shape->hour_minutes >= HOUR - 5 && shape->hour_disturbed == 0)
	{
		memmove(weeks + 1, weeks, (SHAPE_WEEKS - 1) * sizeof(int32_t));
		weeks[0] = mean * HOUR > INT32_MAX ? INT32_MAX : (int32_t) lround(mean * HOUR);
		if (mean * HOUR >= 30 && shape->hour_differences > 0)
		{
			double		spread = shape->hour_squares / (shape->hour_differences * mean);

			shape->dispersion += (fmin(fmax(spread, 1), DISPERSION_MAX) - shape->dispersion) / 50;
		}
	}
	shape->hour_n = 0;
	shape->hour_squares = 0;
	shape->hour_minutes = shape->hour_disturbed = shape->hour_differences = 0;
	shape->hour_last = -1;
}

/* Alarms */

static void
put_event(Step *step, ShapeKind kind, bool opened, bool learned)
{
	const ShapeAlarm *alarm = &step->shape->alarms[kind];
	ShapeEvent *event = &step->events[step->nevents++];

	event->kind = kind;
	event->opened = opened;
	event->learned = learned;
	event->minute = step->minute;
	event->since = alarm->since;
	event->good = alarm->good;
	event->bad = alarm->bad;
	event->expected_ratio = step->shape->ratio;
	event->expected_volume = alarm->expected;
}

/* No evidence yet. */
static void
start_anew(ShapeAlarm *alarm, int64_t minute)
{
	memset(alarm->bets, 0, sizeof(alarm->bets));
	alarm->closing = 0;
	alarm->since = minute;
	alarm->good = alarm->bad = 0;
	alarm->expected = 0;
}

static void
set_open(Step *step, ShapeKind kind, bool open, bool learned)
{
	ShapeAlarm *alarm = &step->shape->alarms[kind];

	put_event(step, kind, open, learned);
	alarm->open = open;
	if (open)
		alarm->opened_at = step->minute;
	start_anew(alarm, step->minute + 1);
}

static void
add_figures(const Step *step, ShapeAlarm *alarm)
{
	alarm->good += step->good;
	alarm->bad += step->bad;
	if (step->expected < 0)
		alarm->expected = -1;
	else if (alarm->expected >= 0)
		alarm->expected += step->expected;
}

/* The evidence of this minute, of each bet; opens the alarm if there is enough. */
static void
judge(Step *step, ShapeKind kind, const double *evidence)
{
	ShapeAlarm *alarm = &step->shape->alarms[kind];
	double		cap = step->threshold / (kind == SHAPE_VOLUME_UP ? LEAST_BURSTS : LEAST_MINUTES);
	double		best = 0;
	double		sum = 0;

	for (int i = 0; i < SHAPE_BETS; i++)
	{
		double		before = alarm->bets[i];

		/* the sum over all beginnings; what is less than 1 is nothing yet */
		before = before > 30 ? before : before > 0 ? log1p(exp(before)) : 0;
		alarm->bets[i] = before + fmin(evidence[i], cap);
		best = fmax(best, alarm->bets[i]);
	}
	add_figures(step, alarm);
	/* as good as nothing: the figures begin with what comes */
	if (best < 1)
	{
		alarm->since = step->minute + 1;
		alarm->good = alarm->bad = 0;
		alarm->expected = 0;
	}
	for (int i = 0; i < SHAPE_BETS; i++)
		sum += exp(alarm->bets[i] - best) / SHAPE_BETS;
	if (best > 0 && best + log(sum) >= step->threshold)
		set_open(step, kind, true, false);
}

/* The evidence that an open alarm is over. */
static void
judge_closing(Step *step, ShapeKind kind, double evidence)
{
	ShapeAlarm *alarm = &step->shape->alarms[kind];

	add_figures(step, alarm);
	alarm->closing = fmax(alarm->closing, 0) + fmin(evidence, CLOSING / CLOSING_MINUTES);
	if (alarm->closing <= 0)
		start_anew(alarm, step->minute + 1);
	else if (alarm->closing >= CLOSING)
		set_open(step, kind, false, false);
}

static void
judge_ratio(Step *step, ShapeKind kind, double usual, const double *odds)
{
	double		evidence[SHAPE_BETS];

	if (step->shape->ratio < 0 || usual <= 0 || usual >= 0.999 || step->good + step->bad == 0)
		return;
	if (step->shape->alarms[kind].open)
	{
		double		was = fmin(fmax(step->shape->ratio, 1e-9), 1 - 1e-9);

		judge_closing(step, kind, share_bet(step, was, times_odds(usual, odds[0])));
		return;
	}
	for (int i = 0; i < SHAPE_BETS; i++)
		evidence[i] = share_bet(step, times_odds(usual, odds[i]), usual);
	judge(step, kind, evidence);
}

static void
judge_volume(Step *step, ShapeKind kind, double usual, const double *factors)
{
	double		evidence[SHAPE_BETS];

	if (step->shape->alarms[kind].open)
	{
		judge_closing(step, kind, volume_bet(step, 1, sqrt(usual)));
		return;
	}
	for (int i = 0; i < SHAPE_BETS; i++)
		evidence[i] = volume_bet(step, usual * factors[i], usual);
	judge(step, kind, evidence);
}

static void
judge_silence(Step *step)
{
	ShapeAlarm *alarm = &step->shape->alarms[SHAPE_SILENCE];
	double		evidence[SHAPE_BETS];

	if (alarm->open)
	{
		judge_closing(step, SHAPE_SILENCE, volume_bet(step, 1, 0.1));
		return;
	}
	if (step->good + step->bad > 0)
	{
		start_anew(alarm, step->minute + 1);
		return;
	}
	for (int i = 0; i < SHAPE_BETS; i++)
		evidence[i] = SILENCE_SLACK * step->expected / step->shape->dispersion;
	judge(step, SHAPE_SILENCE, evidence);
}

/* What has lasted for long is what is usual. */
static void
learn_lasting(Step *step)
{
	Shape	   *shape = step->shape;
	bool		ratio = false;
	bool		volume = false;

	for (int kind = 0; kind < SHAPE_RATIO_DRIFT; kind++)
		if (shape->alarms[kind].open && step->minute - shape->alarms[kind].opened_at >= LEARNED)
		{
			ratio |= kind == SHAPE_RATIO_UP || kind == SHAPE_RATIO_DOWN;
			volume |= !(kind == SHAPE_RATIO_UP || kind == SHAPE_RATIO_DOWN);
			set_open(step, kind, false, true);
		}
	if (ratio)
	{
		memset(shape->days, 0, sizeof(shape->days));
		shape->ratio = shape->ratio_low = shape->ratio_high = -1;
	}
	if (volume)
		memset(shape->hours, -1, sizeof(shape->hours));
}

/* Drift */

typedef struct Weeks
{
	ShapeDay	then;
	ShapeDay	now;
	int			pairs;
} Weeks;

/* The seven days before that one, and those 28 days before, as far as both are known. */
static Weeks
compare_weeks(const Shape *shape, int64_t day)
{
	Weeks		weeks = {.pairs = 0};

	for (int64_t d = day - 7; d < day; d++)
	{
		const ShapeDay *now = &shape->days[d % SHAPE_DAYS];
		const ShapeDay *then = &shape->days[(d - 28) % SHAPE_DAYS];

		if (d - 28 <= shape->first / DAY || now->minutes < DRIFT_MINUTES || then->minutes < DRIFT_MINUTES)
			continue;
		weeks.now.good += now->good;
		weeks.now.bad += now->bad;
		weeks.then.good += then->good;
		weeks.then.bad += then->bad;
		weeks.pairs++;
	}
	return weeks;
}

/* Events now and then, of exposures that are as 1 to then's: how often, and is it more than slack times off? */
static void
judge_drift(Step *step, ShapeKind kind, double now, double then, double exposure, const Weeks *weeks)
{
	ShapeAlarm *alarm = &step->shape->alarms[kind];
	double		rate = then > 0 ? now / (then * exposure) : now > 0 ? HUGE_VAL : 1;
	double		slack = rate > 1 ? DRIFT_SLACK : 1 / DRIFT_SLACK;
	double		share = slack * exposure / (1 + slack * exposure);
	double		enough = log(30.0) + step->threshold - log(MONTH);

	alarm->since = step->minute - 7 * DAY;
	alarm->good = weeks->now.good;
	alarm->bad = weeks->now.bad;
	alarm->expected = weeks->then.good + weeks->then.bad;
	if (alarm->open)
	{
		if (rate < DRIFT_CLOSE && rate > 1 / DRIFT_CLOSE)
			set_open(step, kind, false, false);
	}
	else if ((rate > DRIFT_SLACK || rate < 1 / DRIFT_SLACK) &&
			 distance(now, now + then, share) / step->shape->dispersion >= enough)
		set_open(step, kind, true, false);
}

static void
judge_drifts(Step *step, int64_t day)
{
	Weeks		weeks = compare_weeks(step->shape, day);
	double		now = weeks.now.good + weeks.now.bad;
	double		then = weeks.then.good + weeks.then.bad;

	if (weeks.pairs < LEAST_PAIRS || then == 0)
		return;
	judge_drift(step, SHAPE_VOLUME_DRIFT, now, then, 1, &weeks);
	if (now > 0 && weeks.now.bad + weeks.then.bad > 0)
		judge_drift(step, SHAPE_RATIO_DRIFT, weeks.now.bad, weeks.then.bad, now / then, &weeks);
}

/* A step */

/* Days that have ended are judged, and the places of those that begin emptied. */
static void
turn_days(Step *step)
{
	Shape	   *shape = step->shape;
	int64_t		day = step->minute / DAY;

	if (day == shape->now / DAY)
		return;
	for (int64_t d = day; d > shape->now / DAY && d > day - SHAPE_DAYS; d--)
		memset(&shape->days[d % SHAPE_DAYS], 0, sizeof(ShapeDay));
	learn_ratio(shape, day);
	judge_drifts(step, day);
}

static void
count(Step *step)
{
	Shape	   *shape = step->shape;
	double		n = step->good + step->bad;
	ShapeDay   *day = &shape->days[step->minute / DAY % SHAPE_DAYS];

	/* of neighbours, so that a slope is no spread */
	if (shape->hour_last >= 0)
	{
		shape->hour_squares += (n - shape->hour_last) * (n - shape->hour_last) / 2;
		shape->hour_differences++;
	}
	shape->hour_last = n;
	shape->hour_n += (int64_t) n;
	shape->hour_minutes++;
	if (is_disturbed(shape))
	{
		shape->hour_disturbed++;
		return;
	}
	day->good += step->good;
	day->bad += step->bad;
	day->minutes++;
}

int
paysafe_shape_step(Shape *shape, int64_t minute, int64_t good, int64_t bad,
				   double threshold, ShapeEvent *events)
{
	Step		step = {
		.shape = shape, .minute = minute, .good = good, .bad = bad,
		.threshold = threshold, .events = events
	};
	ShapeAlarm *alarms = shape->alarms;

	if (minute <= shape->now)
		return 0;
	learn_lasting(&step);
	if (minute / HOUR != shape->now / HOUR)
		learn_hour(shape, shape->now / HOUR);
	turn_days(&step);
	step.expected = paysafe_shape_usual(shape, minute);
	judge_ratio(&step, SHAPE_RATIO_UP, shape->ratio_high, odds_up);
	judge_ratio(&step, SHAPE_RATIO_DOWN, shape->ratio_low, odds_down);
	if (step.expected >= 0)
	{
		judge_silence(&step);
		/* who says nothing does not say less, too */
		if (alarms[SHAPE_VOLUME_DOWN].open || !alarms[SHAPE_SILENCE].open)
			judge_volume(&step, SHAPE_VOLUME_DOWN, VOLUME_SLACK, volume_down);
		else
			start_anew(&alarms[SHAPE_VOLUME_DOWN], minute + 1);
		judge_volume(&step, SHAPE_VOLUME_UP, 1 / VOLUME_SLACK, volume_up);
	}
	count(&step);
	shape->now = minute;
	return step.nevents;
}
