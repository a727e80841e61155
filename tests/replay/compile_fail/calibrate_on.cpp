// Drawing calibration windows compiles for the train split and for nothing else: -DSPLIT=train, -DSPLIT=validation.
#include "replay/calibration.hpp"

auto plan(const hallmark::Corpus& corpus) { return hallmark::CalibrationPlan::draw(corpus.SPLIT, 47, 16); }
auto text(const hallmark::Corpus& corpus) { return hallmark::windows_at(corpus.SPLIT, {}); }
