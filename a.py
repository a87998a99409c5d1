import keras, numpy as np, nandoctor
keras.utils.set_random_seed(0)
x=np.random.normal(size=(64,8)).astype('f'); y=np.random.randint(0,4,64)
x[37,3]=np.nan
m=keras.Sequential([keras.Input((8,)),keras.layers.Dense(16),keras.layers.UnitNormalization()])
m.compile('adam',nandoctor.losses.TripletSemiHardLoss())
m.fit(x,y,batch_size=16,shuffle=False,epochs=2,verbose=0)
